"""A first test, of an agent that is in the same file: ``python -m pytest test_first.py``."""

import trio
from trio.testing import MockClock

from actors import Actor, ActorRef, ActorSystem
from actors.testing import start_probe


class Reminder(Actor):
    """Tells *to* what it is sent, an hour later."""

    def __init__(self, to: ActorRef) -> None:
        self.to = to

    def handle_cast(self, text: str) -> None:
        self.to.send_after(3600.0, text)


async def test_reminds_after_an_hour(actor_system: ActorSystem, virtual_time: MockClock) -> None:
    me = await start_probe(actor_system)
    reminder = await actor_system.start(Reminder, me.ref)

    reminder.cast("tea")

    await me.expect_none(3599.0)
    await me.expect("tea")
    assert trio.current_time() == 3600.0
