"""What is stored of a value, and which version it gets."""

from __future__ import annotations

import zlib
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from actors.shared_memory import Entry, InvalidEntryError, Namespace, Tombstone, VersionConflictError
from actors.shared_memory.compressing import STEP, content_in_steps
from actors.shared_memory.entry import MAX_VALUE_BYTES, NO_METADATA, Broken, content_of, frozen, metadata_of
from actors.shared_memory.key import Key
from actors.shared_memory.requests import Delete, Put
from actors.shared_memory.versions import entry_after, tombstone_after
from tests.actors.turns import another_task

WHERE = Key(Namespace.SESSION, "s1", "motto")


TOMBSTONE = Tombstone(WHERE, 3, "ann", 1.0, kept=True, change=5)


def put(*, expected_version: int = 0, create_only: bool = False) -> Put:
    fields = ("1", False, WHERE, "bob", b"tea", False, NO_METADATA, expected_version, create_only)
    return Put._make(fields)


def entry(version: int) -> Entry:
    return Entry._make((WHERE, b"milk", version, "ann", 1.0, "ann", 1.0, NO_METADATA, False, 5))


@pytest.mark.parametrize(("size", "compressed"), [(0, False), (1023, False), (1024, True), (50_000, True)])
def test_values_from_1024_bytes_are_compressed(size: int, *, compressed: bool) -> None:
    """L-SHM-7, 8: the checksum is that of the value as it was put."""
    value = b"x" * size

    content = content_of(value)

    assert content.compressed is compressed
    stored = entry(1)._replace(value=content.value, compressed=content.compressed)
    assert stored.opened().value == value
    assert stored.checksum == stored.opened().checksum == sha256(value).hexdigest()


def test_a_short_value_is_compressed_when_that_is_asked_for() -> None:
    assert content_of(b"x" * 500, compress=True).compressed


def test_what_does_not_get_smaller_is_stored_as_it_is() -> None:
    value = Random(7).randbytes(5000)  # noqa: S311 -- it only has to be noise

    assert content_of(value).value == value
    assert content_of(b"", compress=True) == (b"", False)


@pytest.mark.parametrize("value", [b"tea " * 100_000, Random(7).randbytes(400_000)], ids=["text", "noise"])  # noqa: S311 -- as above
async def test_others_have_their_turns_while_a_long_value_is_compressed(value: bytes) -> None:
    async with another_task() as turns:
        content = await content_in_steps(value)

    assert turns.taken >= len(value) // STEP
    assert (zlib.decompress(content.value) if content.compressed else content.value) == value
    assert content.compressed is content_of(value).compressed


def test_what_can_be_changed_is_copied() -> None:
    value = bytearray(b"tea")
    content = content_of(value)
    value[0] = 0

    assert content.value == b"tea"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("tea", "a value is bytes; got 'tea'"),
        (None, "a value is bytes; got None"),
        (bytes(MAX_VALUE_BYTES + 1), "at most 1048576 bytes; this one has 1048577"),
    ],
)
def test_what_is_no_value_is_refused(value: Any, fault: str) -> None:
    with pytest.raises(InvalidEntryError, match=fault):
        content_of(value)


def test_metadata_are_texts_that_nobody_can_change() -> None:
    given = {"kind": "draft"}
    kept = frozen(given)
    given["kind"] = "final"

    assert kept == {"kind": "draft"}
    with pytest.raises(InvalidEntryError, match=r"both str; got {'size': 7}"):
        frozen({"size": 7})  # type: ignore[dict-item]
    with pytest.raises(InvalidEntryError, match=r"the metadata '\\ud800' is no text"):
        frozen({"kind": "\ud800"})


@pytest.mark.parametrize(
    ("record", "request_", "version"),
    [
        (None, put(), 1),
        (None, put(create_only=True), 1),
        (entry(3), put(), 4),
        (entry(3), put(expected_version=3), 4),
        (TOMBSTONE, put(), 4),
        (TOMBSTONE, put(create_only=True), 4),
        (Broken(WHERE, 3, "damaged"), put(), 4),
    ],
)
def test_the_next_version_is_one_more(record: Any, request_: Put, version: int) -> None:
    """L-SHM-3, 4."""
    assert entry_after(record, request_, 2.0, 6).version == version


@pytest.mark.parametrize(
    ("record", "request_", "fault"),
    [
        (None, put(expected_version=1), "'motto' of session 's1' is not there; expected was version 1"),
        (entry(3), put(expected_version=2), "has version 3; expected was version 2"),
        (entry(3), put(create_only=True), "has version 3; expected was no such entry"),
        (TOMBSTONE, put(expected_version=3), "is not there"),
        (Broken(WHERE, 3, "damaged"), put(expected_version=3), "is not there"),
    ],
)
def test_another_version_than_was_expected_is_a_conflict(record: Any, request_: Put, fault: str) -> None:
    with pytest.raises(VersionConflictError, match=fault):
        entry_after(record, request_, 2.0, 6)


def test_an_update_keeps_who_created_it() -> None:
    """L-SHM-6."""
    updated = entry_after(entry(1), put(), 2.0, 6)

    assert (updated.created_by, updated.created_at) == ("ann", 1.0)
    assert (updated.updated_by, updated.updated_at) == ("bob", 2.0)


def test_a_delete_of_what_is_not_there_is_no_conflict() -> None:
    """L-SHM-10."""
    delete = Delete("1", again=False, where=WHERE, agent_id="bob", expected_version=7, tombstone=False)

    assert tombstone_after(None, delete, 2.0, 6) is None
    with pytest.raises(VersionConflictError, match="has version 3; expected was version 7"):
        tombstone_after(entry(3), delete, 2.0, 6)


@pytest.mark.parametrize("metadata", [{"k": "x" * 65_535}, {"k": "é" * 32_767, "x": ""}, {"": "x" * 65_536}])
def test_metadata_have_a_bound(metadata: dict[str, str]) -> None:
    assert metadata_of(metadata) == metadata

    with pytest.raises(InvalidEntryError, match="at most 65536 bytes of UTF-8; these have at least 65537"):
        metadata_of(metadata | {"y": ""})


def test_metadata_of_very_many_names_are_refused_by_their_number() -> None:
    with pytest.raises(InvalidEntryError, match="these have at least 99999"):
        metadata_of({str(number): "" for number in range(100_000)})


@pytest.mark.parametrize("metadata", [3, ["k"], {"k": 3}, {3: "v"}])
def test_what_is_no_metadata_is_refused(metadata: Any) -> None:
    with pytest.raises(InvalidEntryError, match="are names and texts, both str; got"):
        metadata_of(metadata)
