"""What was typed in earlier shells: a file that only its user can read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER: Final = "trio-actors"

MOST_BYTES: Final = 1_000_000
"""A history that has grown beyond this is cut."""

LEFT_BYTES: Final = 500_000
"""So much is left of it, the latest."""

LONGEST: Final = 10_000
"""So many characters are kept of what was typed at once, or none."""

OWN: Final = 0o600
"""Nobody else reads what was typed, also if the file was there before."""


def history_file() -> Path:
    """Return where it is: under XDG_STATE_HOME, or where that is when it is not set.

    Raises ``FileNotFoundError`` if this user has no home either.
    """
    said = os.environ.get("XDG_STATE_HOME", "")
    if said.startswith("/"):
        return Path(said) / FOLDER / "shell_history"
    try:
        home = os.environ["HOME"] if "HOME" in os.environ else str(Path.home())
    except RuntimeError:
        home = ""
    if not home.startswith("/"):
        raise FileNotFoundError("neither XDG_STATE_HOME nor HOME says where")
    return Path(home) / ".local" / "state" / FOLDER / "shell_history"


class KeptHistory(FileHistory):
    """A history in a file; when that cannot be written any more, it is said once."""

    def __init__(self, path: Path, tell: Callable[[str], object]) -> None:
        super().__init__(path)
        self._path = path
        self._tell = tell
        self._writable = True

    def store_string(self, string: str) -> None:
        """Keep what was typed, unless it begins with a space, or is as long as only something pasted is."""
        if not self._writable or string.startswith(" ") or len(string) > LONGEST:
            return
        try:
            _make(self._path)
            super().store_string(string)
        except OSError as error:
            self._writable = False
            self._tell(f"what is typed is not kept any more: {error}")

    def load_history_strings(self) -> Iterable[str]:
        """Yield what was typed, the latest first."""
        try:
            yield from super().load_history_strings()
        except OSError as error:
            self._tell(f"what was typed before cannot be read: {error}")


def open_history(tell: Callable[[str], object]) -> History:
    """Return the history; one that is not kept, if the file cannot be made."""
    try:
        path = history_file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    except OSError as error:
        tell(f"what is typed is not kept: {error}")
        return InMemoryHistory()
    return KeptHistory(path, tell)


def _make(path: Path) -> None:
    """Make the file if it is not there, and cut it if it is too long; its user alone may read it."""
    # A pipe would wait for whoever reads it.
    opened = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, OWN)
    with os.fdopen(opened, "rb") as file:
        about = os.fstat(opened)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        if stat.S_IMODE(about.st_mode) != OWN:
            os.fchmod(opened, OWN)
        if about.st_size > MOST_BYTES:
            file.seek(-LEFT_BYTES, os.SEEK_END)
            _replace(path, latest(file.read()))


def _replace(path: Path, content: bytes) -> None:
    """Put *content* in the place of the file in one step; another shell that writes to it meanwhile loses a line."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, OWN), "wb") as file:
            file.write(content)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def latest(content: bytes) -> bytes:
    r"""Return the entries that are whole in the end of a history: each begins with a line of when it was typed.

    >>> latest(b"+half of one\n\n# 2026-01-02 03:04:05\n+ps\n")
    b'\n# 2026-01-02 03:04:05\n+ps\n'
    """
    start = content.find(b"\n# ")
    return content[start:] if start >= 0 else b""
