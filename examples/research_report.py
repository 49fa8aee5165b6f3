"""What a person sees of the research desk: how far it is while it works, and the index at the end."""

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from attrs import frozen
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from actors import ExitReason
from research_texts import Explanation, Listing

SHOWN = 20
"""How many concepts of the index are shown."""

SKIPPED_SHOWN = 10


@frozen
class Finding:
    """What is announced: *concept* is explained at *where*, the first place that was found."""

    concept: str
    where: str


@frozen
class Index:
    """What the desk has found."""

    listing: Listing
    files: int
    """How many were read."""
    explained: Mapping[str, Sequence[Explanation]]
    used: Mapping[str, int]
    """In how many files each concept is used."""
    skipped: Sequence[tuple[str, str]]

    def digest(self) -> str:
        """Return what is the same for two indices that are the same to the last letter."""
        content = [self.files, sorted(self.explained.items()), sorted(self.used.items()), list(self.skipped)]
        return sha256(json.dumps(content).encode()).hexdigest()

    def ranked(self) -> list[str]:
        """Return the concepts, those first that are explained and used more than others, but not nearly everywhere."""
        return sorted(self.explained, key=lambda it: (-self.weight(it), it))

    def weight(self, concept: str) -> float:
        used = self.used[concept]
        return used * math.log(self.files / used) * len(self.explained[concept]) if used else 0.0


class Watch:
    """How far the desk is, shown on stderr: as a bar on a terminal, else as a line now and then."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        self.bar = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=console,
            disable=not console.is_interactive,
        )
        self.task = self.bar.add_task("", total=total)
        self.total, self.read = total, 0
        self.heard, self.missed, self.latest = 0, 0, ""
        self.kills: Counter[str] = Counter()

    def start(self) -> None:
        self.bar.start()

    def stop(self) -> None:
        self.bar.stop()

    def advance(self, files: int) -> None:
        """Show that so many more *files* are read."""
        before, self.read = self.read, self.read + files
        self.bar.advance(self.task, files)
        if self.bar.disable and 10 * before // self.total < 10 * self.read // self.total:
            print(f"read {self.read:,} of {self.total:,} files; {self.latest}", file=sys.stderr)

    def hear(self, finding: Finding) -> None:
        """Show what was announced."""
        self.heard += 1
        self.latest = f"{self.heard:,} concepts, now {finding.concept}"
        self.bar.update(self.task, description=self.latest)

    def killed(self, service: str) -> None:
        """Show that a service was killed."""
        self.kills[service] += 1
        self.bar.console.print(f"killed the {service}", highlight=False, markup=False)

    def interrupted(self, reason: ExitReason) -> None:
        """Show that there will be no index."""
        print(f"stopped with {self.read:,} of {self.total:,} files read: {reason}", file=sys.stderr)


def show(index: Index, watch: Watch) -> None:
    """Print the index, what was skipped, and what happened meanwhile."""
    # What is no terminal has no width; rich would take 80 columns, too few for most places.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    if index.explained:
        console.print(table(index))
    for line in (*totals(index), *happened(watch), f"digest of the whole index: {index.digest()[:16]}"):
        console.print(line, markup=False, soft_wrap=True)


def table(index: Index) -> Table:
    """Return the concepts that are explained and used most, in alphabetical order."""
    shown = Table(title="What is explained where", title_justify="left", title_style="bold", box=SIMPLE)
    shown.add_column("concept")
    shown.add_column("used in files", justify="right")
    shown.add_column("explained in", overflow="fold")
    shown.add_column("beginning with", overflow="fold")
    for concept in sorted(index.ranked()[:SHOWN]):
        first, *others = index.explained[concept]
        where = "\n".join(it.where for it in (first, *others))
        shown.add_row(Text(concept), f"{index.used[concept]:,}", Text(where), Text(first.sentence))
    return shown


def totals(index: Index) -> Iterator[str]:
    """Yield the lines that say what was found; they are the same each time."""
    yield (
        f"{index.files + len(index.skipped):,} files found = {index.files:,} read + {len(index.skipped):,} skipped; "
        f"concepts explained: {len(index.explained):,}"
    )
    for place, why in index.skipped[:SKIPPED_SHOWN]:
        yield f"skipped: {place}: {why}"
    if len(index.skipped) > SKIPPED_SHOWN:
        yield f"skipped: {len(index.skipped) - SKIPPED_SHOWN:,} more"
    for place in index.listing.unlisted:
        yield f"not looked into: {place}"


def happened(watch: Watch) -> Iterator[str]:
    """Yield the lines that say what happened meanwhile; they differ."""
    yield f"{watch.heard:,} findings heard as they were announced, {watch.missed:,} missed"
    killed = ", ".join(f"{name} {count}x" for name, count in watch.kills.items())
    yield f"killed meanwhile: {killed or 'nothing'}"
