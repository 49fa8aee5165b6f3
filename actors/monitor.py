"""Monitor: one actor's watch over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio.lowlevel import enable_ki_protection

from actors.envelope import Info
from actors.exit import NOPROC
from actors.message import Down

if TYPE_CHECKING:
    from actors.process import Process


class Monitor:
    """One watch of one actor over another; ends with the one `Down` that it sends."""

    __slots__ = ("active", "flushed", "ref", "target", "watcher")

    def __init__(self, watcher: Process, target: Process) -> None:
        self.watcher = watcher
        self.target = target
        self.ref = target.ref
        self.active = target.reason is None
        self.flushed = False
        if not self.active:
            watcher.put(Info(Down(target.ref, NOPROC, self)))
            return
        if target.monitors is None:
            target.monitors = {}
        if watcher.monitoring is None:
            watcher.monitoring = {}
        target.monitors[self] = watcher.monitoring[self] = None

    def __repr__(self) -> str:
        return f"<Monitor of {self.ref}: {'active' if self.active else 'ended'}>"

    @enable_ki_protection
    def cancel(self, *, flush: bool = False) -> None:
        """Watch no longer; with *flush*, a `Down` that is already in the mailbox is dropped too."""
        self.flushed = self.flushed or flush
        if self.active:
            self.active = False
            for watch in (self.target.monitors, self.watcher.monitoring):
                if watch is not None:
                    watch.pop(self, None)
