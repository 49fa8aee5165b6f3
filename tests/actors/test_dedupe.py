"""The dedupe window: what it remembers, for how long, and what happens at its bound."""

import pytest

from actors.dedupe import DedupeWindow


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_id_is_new_once() -> None:
    window = DedupeWindow(clock=Clock())

    assert [window.add("a"), window.add("a"), window.add("b")] == [True, False, True]
    assert window.repeated == 1
    assert "a" in window


def test_an_id_is_forgotten_when_its_time_is_over() -> None:
    clock = Clock()
    window = DedupeWindow(seconds=60.0, clock=clock)
    window.add("a")

    clock.now = 60.0

    assert "a" not in window
    assert window.add("a")
    assert window.forgotten == 0


def test_to_be_asked_for_again_does_not_lengthen_its_time() -> None:
    clock = Clock()
    window = DedupeWindow(seconds=60.0, clock=clock)
    window.add("a")
    clock.now = 59.0
    window.add("a")

    clock.now = 61.0

    assert "a" not in window


def test_at_the_bound_the_oldest_makes_room_and_is_counted() -> None:
    window = DedupeWindow(max_ids=2, clock=Clock())

    for id in ("a", "b", "c"):
        window.add(id)

    assert ("a" in window, "c" in window, len(window)) == (False, True, 2)
    assert window.forgotten == 1


def test_what_is_too_old_makes_room_without_being_counted() -> None:
    clock = Clock()
    window = DedupeWindow(seconds=60.0, max_ids=2, clock=clock)
    window.add("a")
    window.add("b")
    clock.now = 61.0

    window.add("c")

    assert window.forgotten == 0


def test_an_id_that_comes_again_after_its_time_is_remembered_anew() -> None:
    clock = Clock()
    window = DedupeWindow(seconds=60.0, max_ids=2, clock=clock)
    window.add("a")
    clock.now = 50.0
    window.add("b")
    clock.now = 61.0
    window.add("a")

    window.add("c")

    assert ("a" in window, "b" in window, window.forgotten) == (True, False, 1)


def test_another_window_takes_over_what_is_still_remembered() -> None:
    clock = Clock()
    window, other = DedupeWindow(seconds=60.0, clock=clock), DedupeWindow(clock=clock)
    window.add("a")
    clock.now = 30.0
    window.add("b")
    clock.now = 60.0

    other.take_over(window)

    assert ("a" in other, "b" in other, len(other)) == (False, True, 1)


@pytest.mark.parametrize("bounds", [{"seconds": 0.0}, {"max_ids": 0}], ids=str)
def test_bounds_of_nothing_are_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bounds))):
        DedupeWindow(clock=Clock(), **bounds)  # type: ignore[arg-type]  # one of the two is an int
