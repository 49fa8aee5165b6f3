"""A feed whose server is down for ten seconds: restarted after longer and longer delays until it is up."""

import trio
from trio.testing import MockClock

from actors import Actor, Backoff, Continue, open_system
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_child

DOWN_SECONDS = 10


class Feed(Actor):
    def init(self) -> Continue:
        return Continue("connect")

    def handle_continue(self, argument: str) -> None:
        server_is_up = trio.current_time() >= DOWN_SECONDS
        print(f"{trio.current_time():4.1f} s: {'connected' if server_is_up else 'no answer'}")
        if not server_is_up:
            raise ConnectionRefusedError("no answer from the server")


FEEDS = SupervisorSpec(
    [ChildSpec("feed", Feed)],
    backoff=Backoff(1.0, max_seconds=30.0),
    intensity="moderate",
)


async def main() -> None:
    async with open_system() as system:
        feeds = await system.start(Supervisor, FEEDS)

        await trio.sleep(5)
        print(f"{trio.current_time():4.1f} s: the feed is", (await which_child(feeds, "feed")).state)
        await trio.sleep(15)
        print(f"{trio.current_time():4.1f} s: the feed is", (await which_child(feeds, "feed")).state)


if __name__ == "__main__":
    # A clock that jumps whenever everybody waits, so that this takes no time.
    trio.run(main, clock=MockClock(autojump_threshold=0))
