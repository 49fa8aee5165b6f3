"""The program whose instructions are counted: ``python -P -m tests.actors.telemetry.counted FOLDER``.

It fails if the packages it finds are not those in FOLDER. Nobody listens, and what is told all the same fails it too.
"""

from __future__ import annotations

import gc
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from actors.telemetry import Event, Span


def refuse(event: Event | Span, *_: object, **__: object) -> NoReturn:
    """Fail, for nobody listens."""
    raise AssertionError(f"{event!r} was told of without a look")


def count_in(folder: Path) -> None:
    """Make the operations, for which modules find an even clock when they are imported.

    What is done in one turn depends on the time it takes, and that depends on what else this machine does. So to look
    at a clock takes a microsecond, and everything else takes none.
    """
    time.perf_counter = time.monotonic = time.time = count(1.0, 1e-6).__next__
    import trio  # noqa: PLC0415 -- as said above

    import actors  # noqa: PLC0415
    from actors.telemetry import Event, Span  # noqa: PLC0415
    from tests.actors.telemetry import operations  # noqa: PLC0415

    assert Path(actors.__file__).parents[1] == folder, f"found {actors.__file__}, which is not in {folder}"
    Event.emit = Span.begin = refuse  # type: ignore[method-assign, assignment]
    gc.disable()
    trio.run(operations.make_all)


if __name__ == "__main__":
    count_in(Path(sys.argv[1]))
