"""Answers in parts: rows of plain data, as the frames they are sent in, each of which costs the node a slice of time.

A slice takes about a millisecond. Between two of them the node's actors have their turn, so an answer about many
actors shows each as it is when its row is read. A row of None is not sent: it says that a slice may end here and,
where the rows come as they happen, that what has gathered is to be sent.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from actors.shell.frame import encode_part, pack_escaped, packer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

SLICE_NANOSECONDS: Final = 1_000_000
SLICE_ROWS: Final = 256
"""A slice ends after so much time, or so many rows, whichever comes first."""


def in_parts(rows: Iterable[Any]) -> Iterator[bytes]:
    """Yield the parts of an answer of *rows*: the time of each part, and its rows, which take a slice to gather.

    Each row is packed when it is read: thousands of objects that live for a while would set off Python's garbage
    collector, which then looks through all that the node has made since it last ran, in one slice.
    """
    pack = packer()
    gathered: list[bytes] = []
    end = time.perf_counter_ns() + SLICE_NANOSECONDS
    for row in rows:
        if row is not None:
            try:
                gathered.append(pack(row))
            except UnicodeEncodeError:
                gathered.append(pack_escaped(row))
        if len(gathered) >= SLICE_ROWS or time.perf_counter_ns() > end:
            yield encode_part(time.perf_counter_ns(), gathered)
            gathered = []
            end = time.perf_counter_ns() + SLICE_NANOSECONDS
    if gathered:
        yield encode_part(time.perf_counter_ns(), gathered)


async def in_parts_as_they_come(rows: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Yield the parts of an answer of *rows* that have to be waited for."""
    pack = packer()
    gathered: list[bytes] = []
    end = time.perf_counter_ns() + SLICE_NANOSECONDS
    async for row in rows:
        if row is not None:
            try:
                gathered.append(pack(row))
            except UnicodeEncodeError:
                gathered.append(pack_escaped(row))
        if row is None or len(gathered) >= SLICE_ROWS or time.perf_counter_ns() > end:
            yield encode_part(time.perf_counter_ns(), gathered)
            gathered = []
            end = time.perf_counter_ns() + SLICE_NANOSECONDS
    if gathered:
        yield encode_part(time.perf_counter_ns(), gathered)
