"""Shelves: what a shared memory has, found by its key. Made anew by each incarnation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from actors.shared_memory.entry import Entry, Tombstone
from actors.shared_memory.key import Key, Namespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.shared_memory.entry import Record

FEW: Final = 500
"""What so many entries are is found one by one; where there are more, all that there is is copied, which is faster."""


class View(NamedTuple):
    """What there was in one place at one moment."""

    names: list[str]
    """In no order."""
    records: Mapping[Key, Record]
    """Those of the place, and perhaps others."""

    def entry(self, where: Key) -> Entry:
        """Return what was there under one of the names."""
        record = self.records[where]
        assert type(record) is Entry
        return record


@attrs.define(eq=False)
class Tally:
    """What one namespace holds."""

    keys: int = 0
    stored_bytes: int = 0


class Shelves:
    """The records of a shared memory: one for each key, and the keys of each place."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.tallies = [Tally() for _ in range(max(Namespace) + 1)]
        """By the number of the namespace."""
        self._names: dict[tuple[Namespace, str], dict[str, None]] = {}

    def __repr__(self) -> str:
        return f"<Shelves: {sum(tally.keys for tally in self.tallies)} entries>"

    def load(self, record: Record) -> None:
        """Take in what was stored before."""
        self.records[record.where] = record
        if type(record) is Entry:
            self._add(record)

    def apply(self, change: Entry | Tombstone) -> None:
        """Do what was stored just now."""
        where = change.where
        before = self.records.get(where)
        if type(change) is Entry:
            self.replace(before, change)
            return
        if type(before) is Entry:
            self._remove(before)
        if type(change) is Tombstone and change.kept:
            self.records[where] = change
        else:
            self.records.pop(where, None)

    def replace(self, before: Record | None, entry: Entry) -> None:
        """Put *entry* in the place of what its key has, which is *before*."""
        self.records[entry[0]] = entry
        if type(before) is not Entry:
            self._add(entry)
        elif (grown := len(entry[1]) - len(before[1])) != 0:
            self.tallies[entry.where.namespace].stored_bytes += grown

    def names(self, namespace: Namespace, scope: str) -> list[str]:
        """Return the names of one place, in no order."""
        return list(self._names.get((namespace, scope), ()))

    def view(self, namespace: Namespace, scope: str) -> View:
        """Return what there is in one place, which nothing changes any more."""
        names = self.names(namespace, scope)
        if len(names) > FEW:
            return View(names, self.records.copy())
        keys = [Key(namespace, scope, name) for name in names]
        return View(names, {key: self.records[key] for key in keys})

    def _add(self, entry: Entry) -> None:
        where = entry.where
        tally = self.tallies[where.namespace]
        tally.keys += 1
        tally.stored_bytes += len(entry.value)
        self._names.setdefault(where[:2], {})[where.name] = None

    def _remove(self, entry: Entry) -> None:
        where = entry.where
        tally = self.tallies[where.namespace]
        tally.keys -= 1
        tally.stored_bytes -= len(entry.value)
        names = self._names[where[:2]]
        del names[where.name]
        if not names:
            del self._names[where[:2]]
