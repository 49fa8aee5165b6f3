"""The research desk: services are killed under a team at work, and its index is the same to the last letter."""

import doctest
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio

import research_team
from actors import ActorSystem, NoProcessError, open_system
from actors.bus import BusClient
from actors.queue import QueueClient
from actors.shared_memory import SharedMemoryClient
from actors.store import Reference, StoreClient
from research_desk import SERVICES, STANDARD_LIBRARY, desk
from research_report import Index, Watch
from research_team import Reader
from research_texts import Explanation, best, files_of, passages_of, study, volumes_of
from supervision import Supervisor
from tests.examples.trees import BAD, write

LOCK = '"""Locks."""\n\nclass Lock:\n    """A lock has one owner."""\n'
QUEUE = 'class Queue:\n    """A queue of whoever waits for a lock."""\n'
TEXTS = {"lock.py": LOCK, "queue.py": QUEUE, "shop/guide.md": "# Till\n\nA till has a lock.\n"}


@pytest.fixture
def indices(monkeypatch: pytest.MonkeyPatch) -> list[Index]:
    """Return where the editor puts its index instead of showing it."""
    shown: list[Index] = []
    monkeypatch.setattr(research_team, "show", lambda index, watch: shown.append(index))
    return shown


@pytest.fixture
def small_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research_texts.VOLUME_SIZE", 1)


async def open_desk(system: ActorSystem, folder: Path, database: Path, *, readers: int = 3) -> None:
    """Have the texts of *folder* read, to the end."""
    listing = files_of(folder)
    top = await system.start(Supervisor, desk(listing, str(database), Watch(len(listing.files)), readers=readers))
    with trio.fail_after(25):
        await top.wait()


async def index_of(indices: list[Index], folder: Path, database: Path) -> Index:
    async with open_system() as system:
        await open_desk(system, folder, database)
    return indices.pop()


@pytest.mark.slow
async def test_an_index_says_what_is_explained_where_and_how_often_it_is_used(
    tmp_path: Path, indices: list[Index]
) -> None:
    write(tmp_path / "texts", TEXTS)

    index = await index_of(indices, tmp_path / "texts", tmp_path / "desk.db")

    assert {concept: found[0].where for concept, found in index.explained.items()} == {
        "lock": "lock.py:3",
        "queue": "queue.py:1",
        "till": "shop/guide.md:1",
    }
    assert index.used == {"lock": 3, "queue": 1, "till": 1}
    assert (index.files, index.skipped) == (3, [])


KILLED_WHEN = [
    (StoreClient, "store", "store"),
    (StoreClient, "resolve", "store"),
    (StoreClient, "release", "store"),
    (QueueClient, "put", "queue"),
    (QueueClient, "ack", "queue"),
    (SharedMemoryClient, "get", "shared_memory"),
    (SharedMemoryClient, "put", "shared_memory"),
    (BusClient, "publish", "bus"),
    (Reader, "send_with_ack", "router"),
    (Reader, "send_with_ack", "store"),
    (Reader, "send_with_ack", "queue"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("small_volumes")
@pytest.mark.parametrize(("client", "request_", "service"), KILLED_WHEN)
async def test_a_service_that_is_killed_while_it_is_asked_changes_nothing(
    client: type, request_: str, service: str, tmp_path: Path, indices: list[Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "texts", TEXTS)
    calm = await index_of(indices, tmp_path / "texts", tmp_path / "calm.db")
    kills = 0
    ask = getattr(client, request_)

    async with open_system() as system:

        async def kill_while_asked(*args: object, **options: object) -> object:
            nonlocal kills
            async with trio.open_nursery() as nursery:
                if kills < 3:
                    kills += 1
                    nursery.start_soon(kill, system, service)
                return await ask(*args, **options)

        monkeypatch.setattr(client, request_, kill_while_asked)
        await open_desk(system, tmp_path / "texts", tmp_path / "desk.db")

    assert kills == 3
    assert indices.pop().digest() == calm.digest()


async def kill(system: ActorSystem, service: str) -> None:
    with suppress(NoProcessError):
        system.named(service).kill()


@pytest.mark.slow
@pytest.mark.usefixtures("small_volumes")
async def test_a_reader_that_is_killed_leaves_its_volume_to_another(
    tmp_path: Path, indices: list[Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "texts", TEXTS)
    calm = await index_of(indices, tmp_path / "texts", tmp_path / "calm.db")
    note = Reader.note
    killed: list[Reader] = []

    async def kill_first(reader: Reader, *args: object) -> bool:
        if not killed:
            killed.append(reader)
            reader.ref.kill()
        return await note(reader, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "note", kill_first)
    index = await index_of(indices, tmp_path / "texts", tmp_path / "desk.db")

    assert killed
    assert index.digest() == calm.digest()


@pytest.mark.slow
@pytest.mark.usefixtures("small_volumes")
async def test_a_queue_that_never_outlives_the_reading_of_a_volume_does_not_keep_others_from_being_read(
    tmp_path: Path, indices: list[Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "texts", TEXTS)
    calm = await index_of(indices, tmp_path / "texts", tmp_path / "calm.db")
    send_with_ack = Reader.send_with_ack
    read: list[int] = []

    async def kill_the_queue_when_sent(reader: Reader, to: str, kind: str, account: dict[str, int]) -> None:
        await send_with_ack(reader, to, kind, account)
        read.append(account["volume"])
        await kill(reader.system, "queue")

    monkeypatch.setattr(Reader, "send_with_ack", kill_the_queue_when_sent)
    async with open_system() as system:
        await open_desk(system, tmp_path / "texts", tmp_path / "desk.db", readers=1)

    assert read == [0, 1, 2]
    assert indices.pop().digest() == calm.digest()


@pytest.mark.slow
@pytest.mark.usefixtures("small_volumes")
async def test_a_reader_whose_volume_another_has_put_away_meanwhile_goes_on(
    tmp_path: Path, indices: list[Index], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "texts", TEXTS)
    calm = await index_of(indices, tmp_path / "texts", tmp_path / "calm.db")
    resolve, release = StoreClient.resolve, StoreClient.release
    late: list[Reference] = []
    put_away = trio.Event()

    async def resolve_late(store: StoreClient, reference: Reference) -> bytes:
        if not late:
            late.append(reference)
            await kill(system, "queue")
            await put_away.wait()
        return await resolve(store, reference)

    async def note_release(store: StoreClient, reference: Reference) -> int:
        holders = await release(store, reference)
        if reference in late:
            put_away.set()
        return holders

    monkeypatch.setattr(StoreClient, "resolve", resolve_late)
    monkeypatch.setattr(StoreClient, "release", note_release)
    async with open_system() as system:
        await open_desk(system, tmp_path / "texts", tmp_path / "desk.db", readers=2)

    assert put_away.is_set()
    assert "failed" not in capsys.readouterr().err
    assert indices.pop().digest() == calm.digest()


@pytest.mark.slow
async def test_the_index_of_a_real_folder_is_the_same_when_every_service_is_killed_three_times(
    tmp_path: Path, indices: list[Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = STANDARD_LIBRARY / "asyncio"
    calm = await index_of(indices, folder, tmp_path / "calm.db")
    note = Reader.note
    killed: list[str] = []

    async def kill_one_in_turn(reader: Reader, *args: object) -> bool:
        if len(killed) < 3 * len(SERVICES):
            killed.append(SERVICES[len(killed) % len(SERVICES)])
            await kill(reader.system, killed[-1])
        return await note(reader, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "note", kill_one_in_turn)
    index = await index_of(indices, folder, tmp_path / "desk.db")

    assert killed == [*SERVICES] * 3
    assert index.digest() == calm.digest()


async def test_a_service_that_does_not_come_back_ends_the_desk_and_the_librarian_says_why(
    tmp_path: Path, indices: list[Index], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "texts", TEXTS)
    monkeypatch.setattr(research_team, "PATIENCE", 0.0)

    async def refuse(*args: object, **options: object) -> None:
        raise NoProcessError("there is no store")

    monkeypatch.setattr(StoreClient, "store", refuse)
    async with open_system() as system:
        await open_desk(system, tmp_path / "texts", tmp_path / "desk.db")

    assert indices == []
    assert "the librarian failed: NoProcessError: there is no store\n" in capsys.readouterr().err


@pytest.mark.slow
async def test_what_is_no_text_is_skipped_and_named(tmp_path: Path, indices: list[Index]) -> None:
    texts = tmp_path / "texts"
    write(
        texts,
        TEXTS
        | {"bad.py": BAD, "codec.py": "# coding: no-such-codec\n", "rot.py": "# coding: rot13\n", "null.txt": "\0"},
    )
    (texts / "image.png").write_bytes(b"\x89PNG\xff")
    (texts / "dangling.txt").symlink_to("nothing.txt")
    os.mkfifo(texts / "pipe")

    index = await index_of(indices, texts, tmp_path / "desk.db")

    assert index.files == 3
    assert [(place, why.partition(":")[0]) for place, why in index.skipped] == [
        ("bad.py", "SyntaxError"),
        ("codec.py", "no text"),
        ("dangling.txt", "No such file or directory"),
        ("image.png", "no text"),
        ("null.txt", "no text"),
        ("pipe", "no regular file"),
        ("rot.py", "no text"),
    ]


@pytest.mark.slow
async def test_a_folder_without_a_text_has_an_index_without_a_concept(tmp_path: Path, indices: list[Index]) -> None:
    write(tmp_path / "texts", {"a.bin": "\0"})

    index = await index_of(indices, tmp_path / "texts", tmp_path / "desk.db")

    assert (index.files, index.explained, index.skipped) == (0, {}, [("a.bin", "no text")])


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "", ".git/b.md": "", ".c.md": "", "__pycache__/d.md": "", "e/f.md": ""})

    assert [path.name for path in files_of(tmp_path).files] == ["a.md", "f.md"]


def test_a_folder_that_cannot_be_listed_is_told_of(tmp_path: Path) -> None:
    assert files_of(tmp_path / "gone").unlisted == [".: No such file or directory"]


def test_a_file_that_is_too_large_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("research_texts.LARGEST_FILE", 3)
    write(tmp_path, {"a.md": "1234"})

    volume = next(volumes_of(files_of(tmp_path)))

    assert volume.skipped == (("a.md", "4 bytes are more than 3"),)


def nested(depth: int) -> str:
    return "(" * depth + ")" * depth


def test_a_program_that_exhausts_the_parser_is_skipped() -> None:
    known = study(json.dumps([0, [["deep.py", nested(100_000)], ["lock.py", LOCK]], []]).encode())

    assert known.files == 1
    assert [place for place, _ in known.skipped] == ["deep.py"]
    assert "lock" in known.explained


def explanations() -> Iterator[Explanation]:
    for number in range(6):
        yield Explanation(-(number % 4), f"a.md:{number}", "It is so.")


def test_the_best_explanations_are_the_same_in_whatever_order_they_are_found() -> None:
    found = list(explanations())

    forwards = best({*best(set(found[:4])), *found[3:]})
    backwards = best({*found[:2], *best(set(found[2:])), *best(set(found))})

    assert forwards == backwards == best(set(found))


def test_headings_divide_a_text_but_not_those_of_a_program_in_it() -> None:
    text = "Till\n====\nIt is a till.\n```\n# no heading\n```\n## Lock\nIt has one.\n"

    titles = [(title.strip(), line) for title, line, _ in passages_of("a.md", text)]

    assert titles == [("a", 1), ("Till", 1), ("Lock", 7)]


def test_the_docstrings_hold() -> None:
    assert doctest.testmod(sys.modules["research_texts"]).failed == 0
