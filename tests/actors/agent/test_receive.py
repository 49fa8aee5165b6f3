"""Whatever way the data came, `receive` returns it, or says what is wrong with the message."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors.agent import (
    AgentMessage,
    MessageMissingError,
    Payload,
    PayloadCorruptError,
    PayloadEmptyError,
    PayloadMissingError,
    PayloadNotDecodedError,
    PayloadNotResolvedError,
    StoreMissingError,
)
from actors.store import (
    IntegrityError,
    MemoryReferenceStore,
    ReferenceNotFoundError,
    SqliteReferenceStore,
    Store,
    StoreClient,
)
from tests.actors.agent.desks import LARGE, Desk

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem
    from tests.actors.agent.conftest import StartDesk

SMALL = {"cups": 2}


@pytest.mark.parametrize("data", [SMALL, LARGE, [], None, "tea", 0, [1.5, {"a": [None]}], 10**30])
async def test_data_comes_back_as_json_has_it(desk: Desk, data: Any) -> None:
    """L-AGT-4."""
    message = await desk.compose("till", "order", data)

    received = await desk.receive(message)

    assert received == data
    assert type(received) is type(data)


async def test_what_json_has_otherwise_comes_back_as_json_has_it(desk: Desk) -> None:
    """L-AGT-4: plain JSON data."""
    message = await desk.compose("till", "order", {2: ("a", "b"), True: None})

    assert await desk.receive(message) == {"2": ["a", "b"], "true": None}


async def test_receiving_takes_neither_policies_nor_a_store_for_what_came_by_value(
    desk: Desk, start_desk: StartDesk
) -> None:
    """L-AGT-6, L-AGT-13."""
    reader = await start_desk("reader", store=None, policies=None, queue=None)

    assert await reader.receive(await desk.compose("reader", "order", SMALL)) == SMALL


async def test_receiving_takes_no_policies_for_what_came_by_reference(desk: Desk, start_desk: StartDesk) -> None:
    """L-AGT-13."""
    reader = await start_desk("reader", policies=None)

    assert await reader.receive(await desk.compose("reader", "order", LARGE)) == LARGE


async def test_receiving_a_reference_takes_a_store(desk: Desk, start_desk: StartDesk) -> None:
    """L-AGT-6."""
    reader = await start_desk("reader", store=None)

    with pytest.raises(StoreMissingError, match=r"<reader #\d+> has no store of references"):
        await reader.receive(await desk.compose("reader", "order", LARGE))


async def test_two_agents_need_the_same_store(desk: Desk, start_desk: StartDesk, system: ActorSystem) -> None:
    """L-AGT-13, L-REF-20."""
    await system.start(Store, MemoryReferenceStore(), name="other")
    stranger = await start_desk("stranger", store="other")
    message = await desk.compose("stranger", "order", LARGE)

    with pytest.raises(PayloadNotResolvedError, match="not found in the memory store") as caught:
        await stranger.receive(message)

    assert message.payload.reference is not None
    assert caught.value.reference_id == message.payload.reference.id
    assert message.id in str(caught.value)
    assert isinstance(caught.value.__cause__, ReferenceNotFoundError)
    assert not caught.value.retryable


async def test_two_stores_on_one_file_are_the_same_store_in_their_turns(
    start_desk: StartDesk, system: ActorSystem, tmp_path: Path
) -> None:
    """L-AGT-13: an agent that has never met the first store finds what is in the file."""
    path = tmp_path / "values.db"
    first = await system.start(Store, SqliteReferenceStore(path, inline=True), name="first")
    message = await (await start_desk("writer", store="first")).compose("reader", "order", LARGE)
    await StoreClient(first).close()
    await first.stop()
    await system.start(Store, SqliteReferenceStore(path, inline=True), name="second")

    assert await (await start_desk("reader", store="second")).receive(message) == LARGE


async def test_a_store_that_does_not_answer_can_be_asked_again(desk: Desk, start_desk: StartDesk) -> None:
    """L-AGT-6: the error is as retryable as its cause."""
    message = await desk.compose("till", "order", LARGE)
    reader = await start_desk("reader", store="nobody")

    with pytest.raises(PayloadNotResolvedError, match="nobody has the name 'nobody'") as caught:
        await reader.receive(message)

    assert caught.value.retryable


@pytest.mark.parametrize("given", [None, "a message", {}, 7])
async def test_what_is_no_message_is_not_received(desk: Desk, given: Any) -> None:
    """L-AGT-6."""
    with pytest.raises(MessageMissingError, match="is no AgentMessage, and no Lease of one"):
        await desk.receive(given)


async def test_a_message_without_a_payload_is_not_received(desk: Desk) -> None:
    """L-AGT-6."""
    nothing: Any = None
    message = attrs.evolve(await desk.compose("till", "order", SMALL), payload=nothing)

    for one in (message, AgentMessage.from_dict(message.as_dict())):
        with pytest.raises(PayloadMissingError, match=rf"{message.id} has the payload None"):
            await desk.receive(one)


async def test_a_payload_with_neither_bytes_nor_reference_is_not_received(desk: Desk) -> None:
    """L-AGT-6."""
    message = with_payload(await desk.compose("till", "order", SMALL), inline=None)

    for one in (message, AgentMessage.from_dict(message.as_dict())):
        with pytest.raises(PayloadEmptyError, match=rf"{message.id} has neither bytes nor a reference"):
            await desk.receive(one)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"NaN-", b"[1,]", b"[" * 200_000])
async def test_bytes_that_are_no_json_are_not_received(desk: Desk, text: bytes) -> None:
    """L-AGT-6."""
    message = with_payload(await desk.compose("till", "order", SMALL), inline=text, checksum=sha256(text).hexdigest())

    with pytest.raises(PayloadNotDecodedError, match=rf"{message.id} \({len(text)} bytes\) is no JSON"):
        await desk.receive(message)


async def test_bytes_that_were_changed_on_the_way_are_not_received(desk: Desk) -> None:
    """L-AGT-3: the original filled in no checksum, and compared none."""
    message = with_payload(await desk.compose("till", "order", {"cups": 2}), inline=b'{"cups":3}')

    with pytest.raises(PayloadCorruptError, match=f"message {message.id} has 10 bytes which are not its 10 bytes"):
        await desk.receive(message)


async def test_a_value_that_was_changed_in_its_store_is_not_received(desk: Desk, system: ActorSystem) -> None:
    """L-AGT-6."""
    message = await desk.compose("till", "order", LARGE)
    store: Any = system.whereis("store")
    pieces = store._process.actor.store._pieces
    for numbers, piece in pieces.items():
        pieces[numbers] = piece._replace(data=piece.data.replace(b"x", b"y"))

    with pytest.raises(PayloadNotResolvedError, match="is not what was stored") as caught:
        await desk.receive(message)

    assert isinstance(caught.value.__cause__, IntegrityError)


async def test_a_store_that_is_restarted_meanwhile_is_waited_for(desk: Desk, system: ActorSystem) -> None:
    message = await desk.compose("till", "order", LARGE)

    system.named("store").kill()

    assert await desk.receive(message) == LARGE


async def test_receiving_can_be_cancelled(desk: Desk, start_desk: StartDesk) -> None:
    message = await desk.compose("till", "order", LARGE)
    reader = await start_desk("reader", store="nobody")

    with trio.move_on_after(1) as scope:
        await reader.receive(message)

    assert scope.cancelled_caught


def with_payload(message: AgentMessage, **changes: Any) -> AgentMessage:
    payload: Payload = attrs.evolve(message.payload, **changes)
    return attrs.evolve(message, payload=payload)
