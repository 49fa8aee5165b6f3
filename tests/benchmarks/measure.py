"""What every measuring program does: it measures one thing, in a process of its own, and prints one JSON object."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

Figures: TypeAlias = dict[str, float]
"""What was measured: ``per_second``, ``bytes``, or whatever else has a name."""

STATM = Path("/proc/self/statm")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Stopwatch:
    """How long a block of code takes. The garbage of what came before is not counted against it."""

    def __enter__(self) -> Self:
        gc.collect()
        self._begin = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.seconds = perf_counter() - self._begin

    def rate(self, count: int) -> Figures:
        """Return how many a second that was, when *count* of them were done."""
        return {"per_second": count / self.seconds}


class Scales:
    """How much memory a block of code leaves occupied."""

    def __enter__(self) -> Self:
        gc.collect()
        self._before = _resident_bytes()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        gc.collect()
        self.bytes = _resident_bytes() - self._before

    def each(self, count: int) -> Figures:
        """Return how many bytes that is for each of *count*."""
        return {"bytes": self.bytes / count}


def _resident_bytes() -> int:
    return int(STATM.read_text(encoding="ascii").split()[1]) * PAGE_BYTES


def publish(figures: Figures) -> None:
    """Print *figures* and end the process, whatever threads and actors it still has."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)
