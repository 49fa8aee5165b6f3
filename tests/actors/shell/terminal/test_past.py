"""What was typed in earlier shells: bounded, its user's alone, and never in the way of the shell."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.history import InMemoryHistory

from actors.shell.terminal import past
from actors.shell.terminal.past import KeptHistory, history_file, open_history

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a history is, of which there is none yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return history_file()


@pytest.fixture
def said() -> list[str]:
    """Return what the shell was told."""
    return []


def typed(history: object) -> list[str]:
    """Return what a history has, the latest first."""
    assert isinstance(history, KeptHistory)
    return list(history.load_history_strings())


def test_a_history_that_was_open_to_others_is_so_no_more(file: Path, said: list[str]) -> None:
    file.parent.mkdir(parents=True)
    file.touch(mode=0o644)

    open_history(said.append)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said == []


def test_a_history_that_is_removed_meanwhile_is_made_again_for_its_user_alone(file: Path, said: list[str]) -> None:
    history = open_history(said.append)
    file.unlink()

    history.store_string("ps")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert typed(history) == ["ps"]


def test_a_history_is_bounded_and_the_latest_is_left(
    file: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "MOST_BYTES", 2000)
    monkeypatch.setattr(past, "LEFT_BYTES", 1000)
    history = open_history(said.append)

    sizes = []
    for number in range(200):
        history.store_string(f"stats {number}")
        sizes.append(file.stat().st_size)

    kept = typed(history)
    assert max(sizes) < 2100
    assert kept == [f"stats {number}" for number in range(199, 199 - len(kept), -1)]
    assert len(kept) >= 20
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_what_was_pasted_by_mistake_is_not_kept(file: Path, said: list[str]) -> None:
    history = open_history(said.append)

    history.store_string("x" * 10_001)
    history.store_string(" stats secret")
    history.store_string("ps")

    assert typed(history) == ["ps"]


def test_who_has_no_home_is_told_so_and_has_a_shell(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "")

    history = open_history(said.append)

    assert isinstance(history, InMemoryHistory)
    assert said == ["what is typed is not kept: neither XDG_STATE_HOME nor HOME says where"]


def test_a_pipe_in_the_place_of_the_history_holds_nobody_up(file: Path, said: list[str]) -> None:
    file.parent.mkdir(parents=True)
    os.mkfifo(file)

    history = open_history(said.append)

    assert isinstance(history, InMemoryHistory)
    assert said == [f"what is typed is not kept: [Errno 22] no regular file: '{file}'"]


def test_a_history_that_cannot_be_written_any_more_is_told_once(file: Path, said: list[str]) -> None:
    history = open_history(said.append)
    file.unlink()
    file.mkdir()

    history.store_string("ps")
    history.store_string("tree")

    assert len(said) == 1
    assert said[0].startswith("what is typed is not kept any more: ")
