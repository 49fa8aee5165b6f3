"""Thousands of series are written a few at a time, and read as if they had been written at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from actors.telemetry.series import LINES_AT_ONCE, Numbers, Timings, Totals, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.telemetry.series import Part

NAMES = [f"Till{number}" for number in range(200)]


class Registered:
    """Families as the library writes them when they are registered there, each as a whole."""

    def __init__(self, families: list[Any]) -> None:
        self.families = families

    def collect(self) -> Iterator[Any]:
        for family in self.families:
            yield family.metric(family.rows())


@pytest.fixture
def families() -> list[Any]:
    timings = Timings(HistogramMetricFamily, "lap_seconds", "Laps.", ("runner",))
    totals = Totals(CounterMetricFamily, "sold", "What was sold.", ("till",))
    for number, name in enumerate(NAMES):
        timings.observe(name, seconds=number / 100)
        totals.add(name, amount=number)
    few = Totals(CounterMetricFamily, "refused", "Who was refused.")
    none = Timings(HistogramMetricFamily, "wait_seconds", "Waits.", ("till",))
    tills = Numbers(GaugeMetricFamily, "tills", "Tills.", ("till",), lambda: {(name,): 1.0 for name in NAMES})
    return [timings, totals, few, none, tills]


async def test_a_part_has_few_lines_and_all_parts_are_what_one_would_be(families: list[Any]) -> None:
    lines: list[int] = []

    def write(part: Part) -> bytes:
        text = generate_latest(part)
        lines.append(text.count(b"\n"))
        return text

    text = await written(families, write)

    registry = CollectorRegistry()
    registry.register(Registered(families))
    assert text == generate_latest(registry)
    assert sum(lines) > 200 * (14 + 1 + 1)
    assert max(lines) <= LINES_AT_ONCE + 2


async def test_others_work_between_the_parts_and_each_histogram_is_whole(families: list[Any]) -> None:
    timings, turns = families[0], 0

    async def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            timings.observe(NAMES[-1], seconds=0.0)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        text = await written(families, generate_latest)
        nursery.cancel_scope.cancel()

    assert turns >= 200 // timings.at_once
    laps, *_ = text_string_to_metric_families(text.decode())
    last = [sample.value for sample in laps.samples if sample.labels["runner"] == NAMES[-1]]
    buckets, count = last[:12], last[12]
    assert buckets == sorted(buckets)
    assert buckets[-1] == count
    assert count == buckets[0] + 1 > 2


async def test_what_is_without_labels_is_there_from_the_beginning() -> None:
    total, timing = Totals(CounterMetricFamily, "sold", "Sold."), Timings(HistogramMetricFamily, "laps", "Laps.")

    text = await written([total, timing], generate_latest)

    assert b"\nsold_total 0.0\n" in text
    assert b"\nlaps_count 0.0\n" in text
    assert (repr(total), repr(timing)) == ("<Numbers sold: 1>", "<Timings laps: 1>")
