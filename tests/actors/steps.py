"""How long a task keeps the loop to itself."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Iterator


class Steps(trio.abc.Instrument):
    """The processor time of every step of every task."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began: float | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self._began is not None:
            self.seconds.append(time.thread_time() - self._began)

    @property
    def longest(self) -> float:
        """That of the fourth longest step: now and then the processor itself is slow for a moment."""
        return sorted(self.seconds)[-4]


@contextmanager
def measured_steps() -> Iterator[Steps]:
    """Measure all whole steps, without the garbage collector, whose time is nobody's here."""
    steps = Steps()
    gc.collect()
    gc.disable()
    trio.lowlevel.add_instrument(steps)
    try:
        yield steps
    finally:
        trio.lowlevel.remove_instrument(steps)
        gc.enable()
