"""What a person sees of an audit: how far it is while it runs, and what it found at the end."""

import sys
from collections.abc import Callable, Iterator, Sequence
from heapq import nsmallest
from pathlib import Path

from attrs import frozen
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from actors import ActorRef, Durations, ExitReason, Statistics
from code_measures import Function, Measures

WORST = 5
"""How many lines a table of the worst offenders has."""


@frozen
class Listing:
    """The Python files that were found."""

    roots: Sequence[Path]
    files: Sequence[Path]
    unlisted: Sequence[OSError]
    """The folders that could not be looked into."""

    def place(self, path: Path) -> str:
        """Return where *path* is, seen from beside the root it was found in."""
        for root in self.roots:
            if path.is_relative_to(root):
                path = path.relative_to(root.parent)
        return printable(str(path))


@frozen
class Measured:
    """A file that was audited."""

    path: Path
    measures: Measures


@frozen
class GivenUp:
    """A file that crashed a worker at every attempt."""

    path: Path
    reason: object
    """Why the last of these workers died."""
    attempts: int


@frozen
class Career:
    """What a worker had to do until it crashed, or until the end of the audit."""

    worker: ActorRef
    statistics: Statistics
    crash: ExitReason | None = None


@frozen
class Report:
    """What became of every file that was found."""

    listing: Listing
    measured: Sequence[Measured]
    given_up: Sequence[GivenUp]
    restarts: int
    """How many crashed workers were replaced."""
    careers: Sequence[Career]
    """What became of each worker."""


class Watch:
    """How far an audit is, shown on stderr: as a bar on a terminal, else as a line now and then."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("auditing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_interactive,
        )
        self.total = self.settled = 0

    def begin(self, total: int) -> None:
        """Show that there are *total* files to settle."""
        self.total = total
        self.bar.add_task("files", total=total)

    def advance(self) -> None:
        """Show that one more file is settled."""
        before, self.settled = self.settled, self.settled + 1
        self.bar.advance(self.bar.task_ids[0])
        if self.bar.disable and 10 * before // self.total < 10 * self.settled // self.total:
            print(f"audited {self.settled:,} of {self.total:,} files", file=sys.stderr)

    def interrupted(self, reason: ExitReason) -> None:
        """Show that there will be no report."""
        print(f"stopped with {self.settled:,} of {self.total:,} files audited: {reason}", file=sys.stderr)


def show(report: Report) -> None:
    """Print the worst offenders, what crashed, and the totals."""
    # What is no terminal has no width; rich would take 80 columns, too few for most paths.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    for table in tables(report):
        if table.row_count:
            console.print(table)
    for line in totals(report):
        console.print(line, markup=False, soft_wrap=True)


def tables(report: Report) -> Iterator[Table]:
    """Yield the tables of an audit."""
    yield worst_functions(report, "most complex functions", "complexity", lambda it: it.complexity)
    yield worst_functions(report, "longest functions", "lines", lambda it: it.lines)
    yield worst_files(report, "unused imports", lambda it: it.unused_imports)
    yield worst_files(report, "undocumented public names", lambda it: it.undocumented)
    yield crashes(report)
    yield mailboxes(report)


def worst_functions(report: Report, title: str, unit: str, size: Callable[[Function], int]) -> Table:
    """Return a table of the functions of the greatest *size*."""
    table = numbered_table(title, unit, "function", "where")
    functions = [(it.path, function) for it in report.measured for function in it.measures.functions]
    for path, it in nsmallest(WORST, functions, lambda row: (-size(row[1]), row[0], row[1].line)):
        place = f"{report.listing.place(path)}:{it.line}"
        table.add_row(f"{size(it):,}", Text(it.name), Text(place))
    return table


def worst_files(report: Report, title: str, names: Callable[[Measures], Sequence[str]]) -> Table:
    """Return a table of the files with the most *names*."""
    table = numbered_table(title, "names", "file", "such as")
    files = [(it.path, names(it.measures)) for it in report.measured if names(it.measures)]
    for path, bad in nsmallest(WORST, files, lambda row: (-len(row[1]), row[0])):
        table.add_row(f"{len(bad):,}", Text(report.listing.place(path)), Text(", ".join(bad[:2])))
    return table


def crashes(report: Report) -> Table:
    """Return a table of the files that crashed a worker at every attempt."""
    table = numbered_table("files given up", "attempts", "file", "what crashed the worker")
    for it in sorted(report.given_up, key=lambda it: it.path):
        place, reason = report.listing.place(it.path), printable(str(it.reason))
        table.add_row(f"{it.attempts:,}", Text(place), Text(reason))
    return table


def mailboxes(report: Report) -> Table:
    """Return a table of the mailboxes of all workers, those who crashed too, in the order they started."""
    table = numbered_table("workers' mailboxes, times of one message in 64", "received", "handled", "longest")
    for column in ("wait p50", "p99", "handling p50", "p99"):
        table.add_column(column, justify="right")
    table.add_column("worker")
    for it in sorted(report.careers, key=lambda it: it.worker.id):
        known = it.statistics
        counts = (f"{count:,}" for count in (known.received, known.handled, known.greatest_length))
        times = (*quantiles(known.waiting), *quantiles(known.handling))
        end = f", crashed by {str(it.crash).partition(':')[0]}" if it.crash else ""
        table.add_row(*counts, *times, Text(f"#{it.worker.id}{end}"))
    return table


def quantiles(durations: Durations) -> Iterator[str]:
    """Yield p50 and p99 in milliseconds, or nothing for what was not timed."""
    for share in (0.5, 0.99):
        yield f"{1000 * durations.quantile(share):,.2f} ms" if durations.count else ""


def numbered_table(title: str, number: str, *columns: str) -> Table:
    """Return an empty table that begins with a column of numbers."""
    table = Table(title=title.capitalize(), title_justify="left", title_style="bold", box=SIMPLE)
    table.add_column(number, justify="right")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def totals(report: Report) -> Iterator[str]:
    """Yield the lines that say what was done; the numbers of files add up."""
    found, measured, given_up = report.listing.files, report.measured, report.given_up
    yield f"{len(found):,} files found = {len(measured):,} measured + {len(given_up):,} given up"
    yield f"{report.restarts:,} restarts of crashed workers by their supervisor"
    measures = [it.measures for it in measured]
    yield (
        f"{sum(it.lines for it in measures):,} lines, "
        f"{sum(len(it.functions) for it in measures):,} functions, "
        f"{sum(len(it.unused_imports) for it in measures):,} unused imports, "
        f"{sum(len(it.undocumented) for it in measures):,} undocumented public names"
    )
    for error in report.listing.unlisted:
        yield f"not looked into: {printable(str(error))}"


def printable(text: str) -> str:
    r"""Return *text* with what would disturb a terminal escaped: a file's name may hold anything.

    >>> printable("new\nline")
    'new\\nline'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
