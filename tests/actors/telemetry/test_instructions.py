"""Who tells something and has no listeners pays for a look at an attribute, and that is little (see `instructions`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.telemetry import Event, Span, catalogue
from tests.actors.telemetry import instructions
from tests.actors.telemetry.counted import refuse
from tests.actors.telemetry.looks import copy_without_looks, without_looks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_no_operation_executes_more_than_five_percent_for_looks() -> None:
    costs = instructions.measure()

    assert len(costs) == 14
    assert min(cost.without for cost in costs) > 1000
    assert instructions.too_costly(costs) == []


def test_an_operation_that_takes_more_is_named_with_its_figures() -> None:
    costs = [instructions.Cost("cast", 7000, 7350), instructions.Cost("call", 10000, 10510)]

    assert instructions.too_costly(costs) == ["| call | 10,000 | 10,510 | +5.1 % |"]


@pytest.mark.slow
def test_every_event_is_looked_for_and_the_copy_has_no_looks(tmp_path: Path) -> None:
    found = set(copy_without_looks(tmp_path))

    defined = {name: value for name, value in vars(catalogue).items() if isinstance(value, Event | Span)}
    together = {name for name, value in defined.items() if isinstance(value, Span) and value.together is not None}
    assert together == {"ACTOR_CALL", "ACTOR_HANDLE"}
    assert found == {*defined, "MESSAGES", "TELEMETRY_FAILURE"} - together
    assert [path for path in tmp_path.rglob("*.py") if without_looks(path.read_text(encoding="utf-8"))[1]] == []


@pytest.mark.parametrize(
    ("source", "without"),
    [
        ("if X.listeners:\n    tell()\nelse:\n    work()", "work()"),
        ("if not X.listeners:\n    work()", "work()"),
        ("if cold:\n    rest()\nelif X.listeners and told:\n    tell()", "if cold:\n    rest()"),
        ("if cold or X.listeners or Y.listeners:\n    tell()", "if cold:\n    tell()"),
        ("if a or b or X.listeners:\n    tell()", "if a or b:\n    tell()"),
        ("item = carry(it) if X.listeners else it", "item = it"),
        ("if X.listeners:\n    if Y.listeners:\n        tell()", ""),
        ("if X.listened_to:\n    tell()\nring()", "ring()"),
        ("while wet:\n    if X.listeners:\n        tell()", "while wet:\n    pass"),
        ("if self.listeners:\n    call()", "if self.listeners:\n    call()"),
    ],
)
def test_a_look_is_dropped_with_what_depends_on_it(source: str, without: str) -> None:
    assert without_looks(source)[0] == without


def test_a_look_in_another_place_is_refused_by_its_line() -> None:
    with pytest.raises(AssertionError, match=r"bus.py, line 2: X.listeners is not what an `if` asks"):
        without_looks("x = 1\nheard = X.listeners", "bus.py")


def test_what_is_told_without_a_look_ends_the_program_that_is_counted() -> None:
    with pytest.raises(AssertionError, match=r"bus.deliver.* was told of without a look"):
        refuse(catalogue.BUS_DELIVER, {}, {})


def test_without_valgrind_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(AssertionError, match="apt-get install valgrind"):
        instructions.measure()
