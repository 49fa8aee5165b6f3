"""Where sockets are: in a directory of this user alone, and only as long as somebody listens."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.shell import DirectoryError, directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOMEBODY = 65534


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    """Close what a test puts in here."""
    opened: list[socket.socket] = []
    yield opened
    for listener in opened:
        listener.close()


@pytest.fixture
def unnamed(runtime_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a runtime directory, which counts: no other one is named."""
    monkeypatch.delenv(directory.OWN)
    return runtime_directory


def names() -> list[str]:
    """Return the nodes that a command would find."""
    return [name for name, _ in directory.sockets()]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_directory_and_socket_are_for_this_user_alone(unnamed: Path, listeners: list[socket.socket]) -> None:
    listener, path = directory.bind("shop.1")
    listeners.append(listener)

    assert path == unnamed / "trio-actors" / "shop.1.sock"
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("value", ["", "relative", "/nowhere"])
def test_without_a_runtime_directory_it_is_one_of_the_users_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(directory.OWN, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)

    assert [str(path) for path in directory.directories()] == [f"/tmp/trio-actors-{os.geteuid()}"]  # noqa: S108 -- checked before use


def test_nodes_without_a_runtime_directory_are_found_with_one(unnamed: Path) -> None:
    assert [path.parent.name for path in directory.directories()] == [unnamed.name, "tmp"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is somebody else's: run this as root")
@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/root")], ids=["directory", "link"])
def test_what_somebody_else_has_made_where_anybody_may_hides_no_node(
    make: Callable[[Path], None],
    unnamed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    listeners: list[socket.socket],
) -> None:
    monkeypatch.setattr(directory, "FOR_ALL", tmp_path)
    trap = tmp_path / f"trio-actors-{os.geteuid()}"
    make(trap)
    os.chown(trap, SOMEBODY, SOMEBODY, follow_symlinks=False)
    listeners.append(directory.bind("shop.1")[0])

    assert names() == ["shop.1"]
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with pytest.raises(DirectoryError, match=f"belongs to user {SOMEBODY}; this is user 0|is no directory"):
        directory.bind("shop.2")


def test_where_the_directory_is_named_nodes_are_in_that_one_alone(
    unnamed: Path, monkeypatch: pytest.MonkeyPatch, listeners: list[socket.socket]
) -> None:
    listeners.append(directory.bind("foreign.1")[0])
    monkeypatch.setenv(directory.OWN, str(unnamed / "mine"))
    before = names()

    listener, path = directory.bind("shop.2")
    listeners.append(listener)

    assert (before, names()) == ([], ["shop.2"])
    assert (path, mode(path.parent)) == (unnamed / "mine" / "shop.2.sock", 0o700)


def test_a_directory_that_is_named_by_no_absolute_path_is_refused(
    runtime_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runtime_directory)
    monkeypatch.setenv(directory.OWN, "sockets")

    for refused in (names, lambda: directory.bind("shop.1")):
        with pytest.raises(DirectoryError, match=r"^TRIO_ACTORS_SOCKETS is 'sockets', which is no absolute path$"):
            refused()
    assert list(runtime_directory.iterdir()) == []


@pytest.mark.parametrize("wrong", [0o755, 0o770, 0o701])
def test_a_directory_that_is_open_to_others_is_refused(wrong: int, runtime_directory: Path) -> None:
    own = runtime_directory / "trio-actors"
    own.mkdir()
    own.chmod(wrong)

    with pytest.raises(DirectoryError, match=f"is open to others, with mode {wrong:04o}; it must be 0700"):
        directory.bind("shop.1")
    with pytest.raises(DirectoryError, match="is open to others"):
        names()


def test_a_directory_that_is_a_link_is_refused(runtime_directory: Path) -> None:
    (runtime_directory / "elsewhere").mkdir(mode=0o700)
    (runtime_directory / "trio-actors").symlink_to("elsewhere")

    with pytest.raises(DirectoryError, match="is no directory"):
        directory.bind("shop.1")


def test_a_directory_of_somebody_else_is_refused(runtime_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = directory.own_directory()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(DirectoryError, match=f"belongs to user {owner}; this is user {owner + 1}"):
        directory.check(own)


def test_a_path_that_is_too_long_is_refused_with_its_length(
    runtime_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = runtime_directory / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv(directory.OWN, str(deep / "trio-actors"))

    with pytest.raises(OSError, match=r"\d+ bytes, and a socket has room for 107"):
        directory.bind("shop.1")

    assert list((deep / "trio-actors").iterdir()) == []


def test_the_socket_of_a_dead_node_is_removed(runtime_directory: Path, listeners: list[socket.socket]) -> None:
    dead, path = directory.bind("dead.1")
    alive, _ = directory.bind("alive.2")
    listeners.append(alive)
    dead.close()

    assert names() == ["alive.2"]
    assert not path.exists()


def test_a_new_node_removes_the_socket_of_a_dead_one_of_its_name(
    runtime_directory: Path, listeners: list[socket.socket]
) -> None:
    directory.bind("shop.1")[0].close()

    listener, path = directory.bind("shop.1")
    listeners.append(listener)

    assert path.name == "shop.1.sock"
    assert names() == ["shop.1"]


def test_two_nodes_of_one_name_and_number_are_both_found(
    runtime_directory: Path, listeners: list[socket.socket]
) -> None:
    listeners += [directory.bind("shop.1")[0], directory.bind("shop.1")[0]]

    assert names() == ["shop.1-2", "shop.1"]


def test_a_node_whose_queue_of_clients_is_full_is_alive(
    runtime_directory: Path, listeners: list[socket.socket]
) -> None:
    listener, path = directory.bind("shop.1")
    listeners.append(listener)
    for _ in range(directory.BACKLOG + 1):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listeners.append(client)
        client.connect(str(path))

    assert names() == ["shop.1"]


@pytest.mark.parametrize(("age", "left"), [(0.0, [".shop.1.sock"]), (61.0, [])])
def test_a_hidden_socket_is_removed_when_it_cannot_be_a_node_that_starts(
    age: float, left: list[str], runtime_directory: Path
) -> None:
    hidden = directory.own_directory() / ".shop.1.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as starting:
        starting.bind(str(hidden))
        then = time.time() - age
        os.utime(hidden, (then, then))

        assert names() == []

    assert [path.name for path in hidden.parent.iterdir()] == left


def test_what_is_no_socket_is_left_alone(runtime_directory: Path) -> None:
    other = directory.own_directory() / "notes.sock"
    other.write_text("mine")

    directory.bind("shop.1")[0].close()

    assert other.read_text() == "mine"


def test_a_node_removes_no_socket_but_its_own(runtime_directory: Path, listeners: list[socket.socket]) -> None:
    listener, path = directory.bind("shop.1")
    listeners.append(listener)
    made = path.lstat()
    path.rename(path.with_name("kept.sock"))
    path.write_text("another")

    directory.remove(path, made)

    assert path.read_text() == "another"


@pytest.mark.parametrize(("name", "begins"), [("till", "till."), ("../my shop", "_my_shop."), ("", "node.")])
def test_any_name_becomes_the_name_of_a_file(name: str, begins: str) -> None:
    assert directory.node_name(name) == f"{begins}{os.getpid()}"


def test_a_long_name_is_cut() -> None:
    assert directory.node_name("n" * 500) == f"{'n' * 40}.{os.getpid()}"
