"""What rules a mailbox may have, and where they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors import Actor, ActorSystem, Mailbox, MailboxFullError, suspend
from tests.actors.probe import Probe
from tests.actors.recorder import Recorder, does

if TYPE_CHECKING:
    from actors import ActorRef


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        ({"max_messages": -1}, "max_messages is -1; allowed is an int of 0 or more"),
        ({"max_messages": 1.5}, "max_messages is 1.5; allowed is an int of 0 or more"),
        ({"max_messages": True}, "max_messages is True; allowed is an int of 0 or more"),
        ({"max_messages": 1, "overflow": "explode"}, "overflow is 'explode'; allowed are reject, drop_newest, drop_"),
        ({"overflow": "wait"}, "overflow is 'wait', but without max_messages it is never full"),
        ({"priority": 1}, "priority is 1; allowed are True and False"),
        ({"keep": "yes"}, "keep is 'yes'; allowed are True and False"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any], complaint: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^Mailbox: {complaint}"):
        Mailbox(**rules)


def test_a_class_is_refused_whose_mailbox_is_no_rules() -> None:
    with pytest.raises(TypeError, match=r"mailbox is a Mailbox, such as Mailbox\(max_messages=100\); got 100"):

        class Mistaken(Actor):
            mailbox = 100  # type: ignore[assignment]


async def test_what_is_no_rules_is_refused_at_the_start(system: ActorSystem) -> None:
    async def start_link(me: Probe) -> None:
        with pytest.raises(TypeError, match=r"mailbox is a Mailbox, .*; got 7"):
            await me.start_link(Recorder, [], mailbox=7)  # type: ignore[arg-type]

    probe = await system.start(Probe)

    await does(probe, start_link)
    with pytest.raises(TypeError, match=r"mailbox is a Mailbox, .*; got 'bounded'"):
        await system.start(Recorder, [], mailbox="bounded")  # type: ignore[arg-type]


async def holds(ref: ActorRef) -> int:
    """Return how many casts find room."""
    await suspend(ref)
    for number in range(10):
        try:
            ref.cast(number)
        except MailboxFullError:
            return number
    return 10


class Three(Recorder):
    mailbox = Mailbox(max_messages=3)


async def test_the_rules_of_the_class_hold_unless_others_are_given(system: ActorSystem) -> None:
    probe = await system.start(Probe)
    one = Mailbox(max_messages=1)

    assert await holds(await system.start(Three, [])) == 3
    assert await holds(await system.start(Three, [], mailbox=one)) == 1
    assert await holds(await system.start(Three, [], mailbox=Mailbox())) == 10
    assert await holds(await does(probe, lambda me: me.start_link(Three, [], mailbox=one))) == 1
    assert await holds(await does(probe, lambda me: me.start_link(Three, []))) == 3
