"""Handlers come and go, and one that fails does not harm anybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from actors.pattern import PatternError
from actors.telemetry import (
    Event,
    HandlerNotFoundError,
    HandlerTakenError,
    InvalidHandlerError,
    UnknownEventError,
    attach,
    attached,
    detach,
    events,
    handlers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.actors.telemetry.listener import Listener

SOLD = Event("test.till.sold", "A till has sold something.", measurements=("cents",), metadata=("till",))
OPENED = Event("test.till.opened", "A till was opened.", metadata=("till",))


@pytest.fixture(autouse=True)
def nobody_stays() -> Iterator[None]:
    before = handlers()
    yield
    assert handlers() == before


def test_a_handler_is_called_until_it_is_detached() -> None:
    told: list[Any] = []
    attach("notes", "test.till.sold", lambda *what: told.append(what))

    SOLD.emit({"cents": 5}, {"till": "left"})
    OPENED.emit({}, {"till": "left"})
    detach("notes")
    SOLD.emit({"cents": 6}, {"till": "left"})

    assert told == [("test.till.sold", {"cents": 5}, {"till": "left"})]


def test_an_event_without_a_handler_has_no_listeners() -> None:
    assert not SOLD.listeners
    with attached("test.**", print) as handler_id:
        assert [one.id for one in SOLD.listeners] == [handler_id]
    assert not SOLD.listeners


def test_patterns_and_several_names_are_understood() -> None:
    told: list[str] = []
    with attached(["test.*.sold", "**.opened"], lambda name, *_: told.append(name)):
        SOLD.emit({"cents": 5}, {"till": "left"})
        OPENED.emit({}, {"till": "left"})

    assert told == ["test.till.sold", "test.till.opened"]


def test_handlers_are_called_in_the_order_in_which_they_came() -> None:
    told: list[int] = []
    with attached("test.**", lambda *_: told.append(1)), attached("test.**", lambda *_: told.append(2)):
        OPENED.emit({}, {"till": "left"})

    assert told == [1, 2]


def test_an_event_that_is_defined_later_has_the_handlers_of_its_patterns() -> None:
    told: list[str] = []
    with attached("test.**", lambda name, *_: told.append(name)):
        Event("test.till.closed", "A till was closed.").emit({}, {})

    assert told == ["test.till.closed"]


@pytest.mark.parametrize("error", [ValueError("no room"), SystemExit(3)])
def test_a_handler_that_raises_is_detached_and_reported_and_others_are_called(
    error: BaseException, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise error

    attach("failing", "test.till.sold", fail)

    SOLD.emit({"cents": 5}, {"till": "left"})
    SOLD.emit({"cents": 6}, {"till": "left"})

    assert [told.measurements["cents"] for told in listener.of("test.till.sold")] == [5, 6]
    assert listener.one("telemetry.failure").metadata == {
        "handler_id": "failing",
        "event": "test.till.sold",
        "error": error,
    }
    assert [record.getMessage() for record in caplog.records] == [
        "handler 'failing' failed on test.till.sold, and was detached"
    ]


def test_a_handler_that_fails_on_the_failure_of_another_is_detached_too(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no room")

    attach("first", "test.till.sold", fail)
    attach("second", "telemetry.failure", fail)

    SOLD.emit({"cents": 5}, {"till": "left"})

    assert [record.getMessage() for record in caplog.records] == [
        "handler 'first' failed on test.till.sold, and was detached",
        "handler 'second' failed on telemetry.failure, and was detached",
    ]


def test_ctrl_c_in_a_handler_is_no_failure_of_it() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with attached("test.till.sold", interrupt) as handler_id:
        with pytest.raises(KeyboardInterrupt):
            SOLD.emit({"cents": 5}, {"till": "left"})
        assert [one.id for one in handlers("test.till.sold")] == [handler_id]


def test_a_handler_may_detach_itself_and_attach_another() -> None:
    told: list[str] = []

    def once(name: str, *_: object) -> None:
        told.append("once")
        detach("once")
        attach("again", name, lambda *_: told.append("again"))

    attach("once", "test.till.sold", once)
    SOLD.emit({"cents": 5}, {"till": "left"})
    SOLD.emit({"cents": 6}, {"till": "left"})
    detach("again")

    assert told == ["once", "again"]


def test_what_is_attached_for_a_block_may_fail_in_it() -> None:
    def fail(*_: object) -> None:
        raise ValueError("no room")

    with attached("test.till.sold", fail):
        SOLD.emit({"cents": 5}, {"till": "left"})
        assert not SOLD.listeners


def test_a_name_that_means_nothing_is_refused_and_the_nearest_is_named() -> None:
    with pytest.raises(UnknownEventError, match=r"'test.till.solt' means none of the \d+ events; .* test.till.sold"):
        attach("notes", "test.till.solt", print)


def test_what_is_no_pattern_no_handler_or_no_id_is_refused() -> None:
    with pytest.raises(PatternError):
        attach("notes", "test..sold", print)
    with pytest.raises(InvalidHandlerError, match="handler 'notes' is 5, and cannot be called"):
        attach("notes", "test.**", 5)  # type: ignore[arg-type]
    names: Any
    for names in ([], "", 5):
        with pytest.raises(InvalidHandlerError, match=rf"handler 'notes' is for {re.escape(repr(names))}; allowed are"):
            attach("notes", names, print)
    with pytest.raises(InvalidHandlerError, match="is a str that is not empty; got ''"):
        attach("", "test.**", print)


def test_an_id_is_taken_once() -> None:
    attach("notes", "test.**", print)

    with pytest.raises(HandlerTakenError, match="a handler 'notes' is attached already") as caught:
        attach("notes", "test.**", print)
    detach("notes")

    assert caught.value.handler_id == "notes"
    with pytest.raises(HandlerNotFoundError, match="no handler 'notes' is attached"):
        detach("notes")


def test_a_handler_is_called_with_what_it_is_for_unless_that_is_excepted() -> None:
    told: list[str] = []
    with attached("test.till.**", lambda name, *_: told.append(name), unless=["*.till.sold"]):
        SOLD.emit({"cents": 5}, {"till": "left"})
        OPENED.emit({}, {"till": "left"})
        listeners = SOLD.listeners

    assert told == ["test.till.opened"]
    assert listeners == ()
    with pytest.raises(UnknownEventError, match=r"'test.till.solt' means none"):
        attach("notes", "test.**", print, unless="test.till.solt")


def test_who_detaches_a_handler_of_its_own_does_not_detach_that_of_another() -> None:
    attach("notes", "test.**", print)

    with pytest.raises(HandlerNotFoundError, match="handler 'notes' is another: <built-in function print>"):
        detach("notes", lambda *_: None)
    assert handlers("test.till.sold") != ()
    detach("notes", print)

    assert handlers("test.till.sold") == ()


def test_a_name_is_of_one_event_and_has_no_wildcards() -> None:
    with pytest.raises(ValueError, match=r"there is an event 'test.till.sold' already"):
        Event("test.till.sold", "It was sold again.")
    with pytest.raises(ValueError, match=r"has no wildcards; got 'test.\*'"):
        Event("test.*", "Something happened.")


def test_the_events_are_listed_by_name_with_what_they_tell() -> None:
    names = [event.name for event in events()]

    assert names == sorted(names)
    assert SOLD in events()
    assert (SOLD.measurements, SOLD.metadata) == (("cents",), ("till",))
    assert repr(SOLD) == "<Event test.till.sold: 0 listeners>"
