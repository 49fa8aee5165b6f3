"""The directory of the sockets: where the nodes of one user are found, and nobody else's.

It is ``$TRIO_ACTORS_SOCKETS``, if that is set; else ``trio-actors`` in ``$XDG_RUNTIME_DIR``, or where there is none
``/tmp/trio-actors-UID``. The last is looked at beside the one before, for cron and its like start nodes without a
runtime directory; who wants to see no other nodes, such as a test, sets the first.

A node makes its socket under a hidden name and renames it when it listens, so whoever is refused by a socket that can
be seen knows that its node is dead.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actors.shell.errors import DirectoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN: Final = "TRIO_ACTORS_SOCKETS"
"""The variable that names the directory, in place of all others. It does not begin as those of the configuration do."""

FOR_ALL: Final = Path("/tmp")  # noqa: S108 -- what is in there is checked before it is used
"""Where anybody may make a directory of any name."""

MAX_PATH_BYTES: Final = 107
"""What the address of a Unix socket has room for."""

LONGEST_NAME: Final = 40
BACKLOG: Final = 16
SUFFIX: Final = ".sock"
HIDDEN: Final = "."

ABANDONED_SECONDS: Final = 60.0
"""A socket that was hidden so long will not be shown any more."""


def directories() -> list[Path]:
    """Return where nodes of this user may be: where a new one goes first, then where others may have gone.

    Raises `DirectoryError` if ``$TRIO_ACTORS_SOCKETS`` is no absolute path.
    """
    own = os.environ.get(OWN, "")
    if own:
        if not Path(own).is_absolute():
            raise DirectoryError(f"{OWN} is {own!r}, which is no absolute path")
        return [Path(own)]
    fallback = FOR_ALL / f"trio-actors-{os.geteuid()}"
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if not (runtime.is_absolute() and _is_ours(runtime)):
        return [fallback]
    # Whatever somebody else has made there is no reason to find no node.
    others = [fallback] if not os.path.lexists(fallback) or _is_ours(fallback, follow_symlinks=False) else []
    return [runtime / "trio-actors", *others]


def _is_ours(path: Path, *, follow_symlinks: bool = True) -> bool:
    try:
        return path.stat(follow_symlinks=follow_symlinks).st_uid == os.geteuid()
    except OSError:
        return False


def own_directory() -> Path:
    """Make the directory if it is not there, and return it. Raises `DirectoryError` if others may use it."""
    path = directories()[0]
    path.mkdir(mode=0o700, exist_ok=True)
    check(path)
    return path


def check(path: Path) -> None:
    """Refuse a directory that is a link, somebody else's, or open to others. Raises `DirectoryError`."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise DirectoryError(f"{path} is no directory")
    if found.st_uid != os.geteuid():
        raise DirectoryError(f"{path} belongs to user {found.st_uid}; this is user {os.geteuid()}")
    if found.st_mode & 0o077:
        raise DirectoryError(f"{path} is open to others, with mode {found.st_mode & 0o777:04o}; it must be 0700")


def node_name(name: str) -> str:
    """Return the name of a node that runs in this process: *name* as a file can have it, and the number.

    >>> node_name("my shop/1").split(".")[0]
    'my_shop_1'
    """
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', name)[:LONGEST_NAME] or 'node'}.{os.getpid()}"


def bind(name: str) -> tuple[socket.socket, Path]:
    """Return a socket that listens for a node called *name*, and its path, which is new.

    Sockets of dead nodes are removed first. Raises `OSError` or `DirectoryError` if it cannot be made.
    """
    folder = own_directory()
    remove_dead(folder)
    path = next(path for path in _candidates(folder, name) if not path.exists())
    hidden = path.with_name(HIDDEN + path.name)
    length = len(os.fsencode(hidden))
    if length > MAX_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, f"{length} bytes, and a socket has room for {MAX_PATH_BYTES}", str(hidden))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(hidden))
        hidden.chmod(0o600)
        listener.listen(BACKLOG)
        hidden.rename(path)
    except BaseException:
        listener.close()
        hidden.unlink(missing_ok=True)
        raise
    return listener, path


def _candidates(folder: Path, name: str) -> Iterator[Path]:
    yield folder / f"{name}{SUFFIX}"
    number = 2
    while True:
        yield folder / f"{name}-{number}{SUFFIX}"
        number += 1


def sockets(removed: list[Path] | None = None) -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of the socket of each living node of this user, and remove those of the dead.

    The paths of these are appended to *removed*.

    Raises `DirectoryError` if a directory in which they may be is not this user's alone.
    """
    for folder in directories():
        try:
            check(folder)
        except FileNotFoundError:
            continue
        dead = remove_dead(folder)
        if removed is not None:
            removed += dead
        for path in sorted(folder.glob(f"[!.]*{SUFFIX}")):
            yield path.name.removesuffix(SUFFIX), path


def remove_dead(folder: Path) -> list[Path]:
    """Remove the sockets in *folder* behind which nobody listens any more, and return their paths."""
    removed = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            before = path.lstat()
            abandoned = time.time() - before.st_mtime > ABANDONED_SECONDS
            visible = not path.name.startswith(HIDDEN)
            if stat.S_ISSOCK(before.st_mode) and (visible or abandoned) and _is_dead(path):
                remove(path, before)
                removed.append(path)
        except FileNotFoundError:
            continue  # its node, or somebody else, was faster
    return removed


def _is_dead(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False  # so many are waiting to be let in, for one, that somebody must be there
    return False


def remove(path: Path, made: os.stat_result) -> None:
    """Remove *path* if it still is the file that was *made*."""
    try:
        found = path.lstat()
        if (found.st_dev, found.st_ino) == (made.st_dev, made.st_ino):
            path.unlink()
    except FileNotFoundError:
        return
