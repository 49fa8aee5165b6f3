"""What was typed in earlier shells: a file that only its user can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOLDER: Final = "trio-actors"


def history_file() -> Path:
    """Return where it is: under XDG_STATE_HOME, or where that is when it is not set."""
    said = os.environ.get("XDG_STATE_HOME", "")
    state = Path(said) if said.startswith("/") else Path.home() / ".local" / "state"
    return state / FOLDER / "shell_history"


class KeptHistory(FileHistory):
    """A history in a file; when that cannot be written any more, it is said once."""

    def __init__(self, path: Path, tell: Callable[[str], object]) -> None:
        super().__init__(path)
        self._tell = tell
        self._writable = True

    def store_string(self, string: str) -> None:
        """Keep what was typed, unless it begins with a space."""
        if not self._writable or string.startswith(" "):
            return
        try:
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
    path = history_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600))
    except OSError as error:
        tell(f"what is typed is not kept: {error}")
        return InMemoryHistory()
    return KeptHistory(path, tell)
