"""Reports: medians, spreads and ratios of what the rounds measured, as a table and as JSON."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

import attrs

from tests.benchmarks.systems import BARE, COMPARED_WITH
from tests.benchmarks.tables import in_columns, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.benchmarks.rounds import Samples
    from tests.benchmarks.systems import Handlers, System

BYTES = "bytes_per_actor"
"""The one workload whose figure is no rate."""


@attrs.frozen
class Row:
    """What one system reached with one workload."""

    system: str
    handlers: Handlers | None
    workload: str
    figure: float
    """The median: how many a second, or how many bytes each."""
    spread: float
    """The distance from the least to the greatest figure, as a share of the median."""
    ratio: float | None
    """The median of the ratios to bare trio in the same round."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the object that ``--json`` writes."""
        fields = attrs.asdict(self)
        figure = fields.pop("figure")
        is_bytes = self.workload == BYTES
        fields["per_second"] = None if is_bytes else figure
        return fields | ({"bytes": figure} if is_bytes else {})


def spread_of(figures: Sequence[float]) -> float:
    """Return the distance from the least to the greatest as a share of the median.

    >>> spread_of([90.0, 100.0, 110.0])
    0.2
    """
    return (max(figures) - min(figures)) / median(figures)


def ratio_of(figures: Iterable[float | None], bare: Iterable[float | None]) -> float | None:
    """Return the median of the ratios of each round; None if no round has both figures.

    >>> ratio_of([10.0, 40.0, None, 90.0], [10.0, 20.0, 30.0, 30.0])
    2.0
    """
    pairs = zip(figures, bare, strict=False)
    ratios = [figure / other for figure, other in pairs if figure is not None and other is not None]
    return median(ratios) if ratios else None


def rows_of(systems: Iterable[System], workloads: Iterable[str], samples: Samples) -> list[Row]:
    """Return what each system reached, workload by workload."""
    rows = []
    systems = tuple(systems)
    for workload in workloads:
        bare = samples.of(BARE, COMPARED_WITH.get(workload, workload))
        for system in systems:
            figures = samples.of(system.title, workload)
            known = [figure for figure in figures if figure is not None]
            if known:
                ratio = ratio_of(figures, bare)
                rows.append(Row(system.name, system.handlers, workload, median(known), spread_of(known), ratio))
    return rows


def as_json(rows: Iterable[Row]) -> str:
    """Return *rows* as a JSON list of objects."""
    return json.dumps([row.as_json() for row in rows], indent=1) + "\n"


def as_tables(systems: Sequence[System], rows: Sequence[Row]) -> str:
    """Return two tables: the medians with their spreads, and the ratios."""
    return "\n".join(
        [
            "Medians a second, and bytes each; beside them the spread from least to greatest, in percent of the median",
            "",
            _table(systems, rows, lambda row: f"{shown(row.figure)} {row.spread * 100:3.0f}%"),
            f"Ratios to {BARE} in the same round, medians (for rates more is better, for bytes less)",
            "",
            _table(systems, rows, lambda row: "" if row.ratio is None else f"{row.ratio:.2f}"),
        ]
    )


def _table(systems: Sequence[System], rows: Sequence[Row], cell: Callable[[Row], str]) -> str:
    found = {(row.workload, row.system, row.handlers): cell(row) for row in rows}
    workloads = dict.fromkeys(row.workload for row in rows)
    return in_columns(
        ["", *(system.title for system in systems)],
        [
            [workload, *(found.get((workload, system.name, system.handlers), "") for system in systems)]
            for workload in workloads
        ],
    )
