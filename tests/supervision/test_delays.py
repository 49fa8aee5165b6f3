"""How long a child that keeps failing stays down before each restart, without a clock."""

import pytest

from actors import Backoff
from supervision.delays import Delays


def down_after(delays: Delays, came_up: float, went_down: float) -> float | None:
    delays.came_up(came_up)
    delays.went_down(went_down)
    return delays.next()


def test_the_first_restart_is_at_once_and_the_others_wait_longer_each_time() -> None:
    delays = Delays(Backoff(1.0, max_seconds=3.0))

    assert [delays.next() for _ in range(5)] == [None, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(("up", "delay"), [(9.5, 1.0), (10.0, None), (99.0, None)])
def test_a_child_that_stayed_up_long_enough_begins_anew(up: float, delay: float | None) -> None:
    delays = Delays(Backoff(1.0, reset_after=10.0))
    delays.next()

    assert down_after(delays, 5.0, 5.0 + up) == delay


def test_being_down_is_not_staying_up() -> None:
    delays = Delays(Backoff(1.0, reset_after=10.0))
    delays.next()
    delays.came_up(0.0)
    delays.went_down(5.0)

    assert down_after(delays, 50.0, 55.0) == 1.0


def test_a_restart_that_failed_was_the_first() -> None:
    delays = Delays(Backoff(1.0))
    delays.failed_to_start()

    assert delays.next() == 1.0


def test_a_failure_to_start_does_not_lessen_the_count() -> None:
    delays = Delays(Backoff(1.0))
    for _ in range(3):
        delays.next()
    delays.failed_to_start()

    assert delays.next() == 4.0
