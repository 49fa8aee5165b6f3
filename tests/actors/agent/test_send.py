"""An agent serialises what it sends, decides how it goes, and hands it to the router."""

from __future__ import annotations

import json
import time
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors import open_system
from actors.agent import (
    AckTimeoutError,
    Agent,
    AgentMessage,
    NameMissingError,
    NotSerialisableError,
    PolicyMissingError,
    StoreMissingError,
)
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    Guarantee,
    InvalidMessageError,
    NoRouterError,
    RouterRef,
    TargetNotFoundError,
)
from actors.delivery.codec import decode, encode
from actors.store import (
    AutoPromote,
    Override,
    OverrideKind,
    Policy,
    PolicyManager,
    ReferenceType,
    StoreClient,
    Tier,
)
from tests.actors.agent.desks import LARGE, Desk

if TYPE_CHECKING:
    from actors import ActorSystem
    from tests.actors.agent.conftest import StartDesk

SMALL = {"cups": 2, "of": ["tea", None, True, 1.5], "für": "Ærø"}


async def test_what_is_sent_arrives_through_the_router(desk: Desk, start_desk: StartDesk, system: ActorSystem) -> None:
    """DESIGN 6."""
    till = await start_desk("till")

    message = await desk.send("till", "order", SMALL)
    await RouterRef(system).drained()

    assert till.notes == [SMALL]
    assert (message.sender, message.to, message.type) == ("desk", "till", "order")
    assert RouterRef(system).statistics().acknowledged == 1


async def test_composing_transmits_nothing_and_returns_the_whole_record(
    desk: Desk, start_desk: StartDesk, system: ActorSystem
) -> None:
    """L-AGT-2."""
    till = await start_desk("till")
    before = time.time()

    first, second = [await desk.compose("till", "order", SMALL) for _ in range(2)]
    await RouterRef(system).drained()

    assert (till.notes, RouterRef(system).statistics().routed) == ([], 0)
    assert (first.sender, first.to, first.type) == ("desk", "till", "order")
    assert first.id != second.id
    assert before <= first.timestamp <= time.time()
    assert first.policy == desk.policies.get_policy("order")
    assert await desk.receive(first) == SMALL


async def test_a_payload_by_value_says_what_it_is(desk: Desk) -> None:
    """L-AGT-3: the original left the checksum empty."""
    payload = (await desk.compose("till", "order", SMALL)).payload

    assert payload.inline is not None
    assert json.loads(payload.inline) == SMALL
    assert payload.reference is None
    assert payload.size_bytes == len(payload.inline)
    assert payload.checksum == sha256(payload.inline).hexdigest()
    assert (payload.content_type, payload.compression, payload.encoding) == ("application/json", "none", "none")


async def test_a_payload_by_reference_says_what_it_is(desk: Desk, store: StoreClient) -> None:
    """L-AGT-3."""
    payload = (await desk.compose("till", "order", LARGE)).payload

    assert (payload.inline, payload.size_bytes) == (None, len(json.dumps(LARGE, separators=(",", ":"))))
    assert payload.reference is not None
    assert payload.checksum == payload.reference.id
    assert sha256(await store.resolve(payload.reference)).hexdigest() == payload.checksum


@pytest.mark.parametrize(
    ("message_type", "data", "how"),
    [
        ("session_state", {}, "by reference"),
        ("control", LARGE, "by value"),
        ("order", "x" * (10_240 - 2), "by value"),
        ("order", "x" * (10_240 - 1), "by reference"),
        ("order", "ø" * 5_200, "by reference"),
    ],
)
async def test_type_and_serialised_size_decide(desk: Desk, message_type: str, data: Any, how: str) -> None:
    """L-POL-3, L-POL-6, L-POL-9: quotes and bytes count, not characters; the original knew no types of its own."""
    message = await desk.compose("till", message_type, data)

    assert (message.payload.inline is None) is (how == "by reference")
    assert await desk.receive(message) == data


@pytest.mark.parametrize("kind", ReferenceType)
async def test_the_type_of_the_reference_follows_from_the_type_of_the_message(desk: Desk, kind: ReferenceType) -> None:
    """L-AGT-8."""
    desk.policies.set_policy(kind.value, Policy(Tier.ALWAYS_REFERENCE))

    reference = (await desk.compose("till", kind.value, SMALL)).payload.reference

    assert reference is not None
    unknown = kind in {ReferenceType.UNSPECIFIED, ReferenceType.LARGE_PAYLOAD}
    assert reference.type is (ReferenceType.LARGE_PAYLOAD if unknown else kind)
    assert reference.content_type == "application/json"


async def test_without_a_store_nothing_is_sent_and_that_is_said_first(start_desk: StartDesk) -> None:
    """L-AGT-5: also for what would go by value."""
    lonely = await start_desk("lonely", store=None, policies=None, queue=None)

    with pytest.raises(StoreMissingError, match=r"<lonely #\d+> has no store of references"):
        await lonely.send("till", "control", "stop")


async def test_without_policies_nothing_is_sent(start_desk: StartDesk) -> None:
    """L-AGT-5."""
    lawless = await start_desk("lawless", policies=None)

    with pytest.raises(PolicyMissingError, match=r"<lawless #\d+> has no policies"):
        await lawless.send("till", "control", "stop")


async def test_an_agent_without_a_name_sends_nothing(system: ActorSystem, store: StoreClient) -> None:
    """L-AGT-1."""
    ref = await system.start(Desk, store="store", policies=PolicyManager())
    nameless: Any = ref._process.actor

    with pytest.raises(NameMissingError, match="has no name"):
        await nameless.send("till", "control", "stop")


@pytest.mark.parametrize(
    "data", [object(), {1, 2}, b"tea", {"cup": {"of": object}}, float("nan"), float("inf"), {(1, 2): 3}, "\ud800"]
)
async def test_what_json_cannot_hold_is_not_stored(desk: Desk, store: StoreClient, data: object) -> None:
    """L-AGT-7."""
    with pytest.raises(NotSerialisableError, match="is not what JSON can hold"):
        await desk.send("till", "session_state", data)

    assert (await store.stats()).total_refs == 0


async def test_what_contains_itself_is_not_stored(desk: Desk, store: StoreClient) -> None:
    """L-AGT-7."""
    ring: list[Any] = []
    ring.append(ring)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    for data in (ring, deep):
        with pytest.raises(NotSerialisableError):
            await desk.send("till", "session_state", data)

    assert (await store.stats()).total_refs == 0


@pytest.mark.parametrize(
    ("to", "message_type"), [("", "order"), ("till", ""), (7, "order"), ("till", None), ("\ud800", "order")]
)
async def test_receivers_and_types_are_texts(desk: Desk, to: Any, message_type: Any) -> None:
    with pytest.raises(InvalidMessageError, match=r"is a str that is not empty|is no text"):
        await desk.send(to, message_type, SMALL)


async def test_what_are_no_options_is_refused_before_anything_is_stored(desk: Desk, store: StoreClient) -> None:
    options: Any = "exactly once"

    for send in (partial(desk.send, options=options), partial(desk.send_with_ack, options=options)):
        with pytest.raises(InvalidMessageError, match="are DeliveryOptions, or None; got 'exactly once'"):
            await send("till", "order", LARGE)

    assert (await store.stats()).total_refs == 0


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["by value", "by reference"])
async def test_send_with_ack_returns_at_the_instant_of_the_acknowledgement(
    start_desk: StartDesk, desk: Desk, data: Any
) -> None:
    """L-AGT-11: the original looked every 100 ms, and could only time out."""

    class Slow(Desk):
        async def handle_cast(self, message: AgentMessage) -> None:
            await trio.sleep(0.123)
            await super().handle_cast(message)

    slow = await start_desk("slow", Slow)
    begin = trio.current_time()

    message = await desk.send_with_ack("slow", "order", data, timeout=10)

    assert trio.current_time() - begin == pytest.approx(0.123)
    assert (slow.notes, message.to) == ([data], "slow")


@pytest.mark.parametrize(("timeout", "seconds"), [(2.5, 2.5), (0, 30.0), (None, 30.0)])
async def test_send_with_ack_ends_after_its_time_and_the_message_goes_on(
    start_desk: StartDesk, desk: Desk, timeout: float | None, seconds: float
) -> None:
    """L-AGT-11."""
    go_on = trio.Event()
    busy = await start_desk("busy", Desk, None, go_on)
    begin = trio.current_time()

    patient = DeliveryOptions(timeout=1000.0)
    with pytest.raises(AckTimeoutError, match=rf"busy did not acknowledge <.*> within {seconds} s") as caught:
        await desk.send_with_ack("busy", "order", SMALL, timeout, patient)
    waited = trio.current_time() - begin
    go_on.set()
    await trio.testing.wait_all_tasks_blocked()

    assert waited == seconds
    assert caught.value.message_id
    assert isinstance(caught.value, TimeoutError)
    assert busy.notes == [SMALL]


async def test_send_with_ack_waits_for_what_is_sent_at_most_once_too(start_desk: StartDesk, desk: Desk) -> None:
    """L-AGT-11: sent is not acknowledged."""
    till = await start_desk("till")

    await desk.send_with_ack("till", "order", SMALL, 10, DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE))

    assert till.notes == [SMALL]


async def test_send_with_ack_fails_as_soon_as_it_is_known_that_nobody_is_there(desk: Desk) -> None:
    """L-AGT-11."""
    with pytest.raises(TargetNotFoundError, match="nobody has the name"):
        await desk.send_with_ack("nobody", "order", SMALL, timeout=1000)


async def test_the_time_of_send_with_ack_includes_that_of_the_store(start_desk: StartDesk, desk: Desk) -> None:
    """L-AGT-11: what takes longer than that is sent nevertheless."""
    go_on = trio.Event()
    busy = await start_desk("busy", Desk, None, go_on)
    stored = desk.store.store

    async def store_slowly(*arguments: Any, **options: Any) -> Any:
        await trio.sleep(3)
        return await stored(*arguments, **options)

    desk.store.store = store_slowly  # type: ignore[method-assign] # as on a slow disk
    begin = trio.current_time()
    with pytest.raises(AckTimeoutError, match=r"within 1 s"):
        await desk.send_with_ack("busy", "order", LARGE, 1)

    assert trio.current_time() - begin == 3
    go_on.set()
    await trio.testing.wait_all_tasks_blocked()
    assert busy.notes == [LARGE]


async def test_send_with_ack_can_be_cancelled(start_desk: StartDesk, desk: Desk) -> None:
    """L-AGT-11."""
    await start_desk("busy", Desk, None, trio.Event())

    with trio.move_on_after(1) as scope:
        await desk.send_with_ack("busy", "order", SMALL)

    assert scope.cancelled_caught


async def test_the_options_of_delivery_hold_for_messages_of_agents(start_desk: StartDesk, desk: Desk) -> None:
    """An order that is given twice is handled once, by value and by reference."""
    till = await start_desk("till")
    once = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)

    for data in (SMALL, SMALL, LARGE, LARGE):
        await desk.send("till", "order", data, once, id=f"order of {len(str(data))}")
    await trio.testing.wait_all_tasks_blocked()

    assert till.notes == [SMALL, LARGE]


async def test_without_a_router_that_is_said(system: ActorSystem, store: StoreClient, start_desk: StartDesk) -> None:
    desk = await start_desk("desk", router="post")

    with pytest.raises(NoRouterError, match="no router 'post' runs"):
        await desk.send("till", "order", SMALL)


async def test_parts_may_be_clients_references_and_names(system: ActorSystem, start_desk: StartDesk) -> None:
    """L-AGT-1."""
    client = StoreClient(system.named("store"))
    ref = system.whereis("store")

    for number, given in enumerate([client, ref, system.named("store"), "store"]):
        agent = await start_desk(f"agent {number}", store=given, router=RouterRef(system))
        message = await agent.compose("till", "order", LARGE)
        assert await agent.receive(message) == LARGE
    assert (await start_desk("same", store=client)).store is client


@pytest.mark.parametrize(
    ("part", "given", "said"),
    [
        ("store", 7, "the store of an Agent is a name, a reference or a StoreClient; got 7"),
        ("store", "", "the name of an actor is printable"),
        ("queue", PolicyManager(), "the queue of an Agent is a name, a reference or a QueueClient; got <PolicyManager"),
        ("policies", "all", "the policies of an Agent are a PolicyManager; got 'all'"),
        ("router", None, "the router of an Agent is a name or a Routing"),
        ("keep", -1, "keep is -1; allowed is a finite number of seconds, 0 or more"),
        ("keep", float("inf"), "keep is inf"),
    ],
)
def test_what_an_agent_cannot_work_with_is_refused(part: str, given: Any, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        Desk(**{part: given})


async def test_a_subclass_that_makes_nothing_of_its_parts_says_what_is_missing(
    system: ActorSystem, store: StoreClient
) -> None:
    class Forgetful(Agent):
        def __init__(self) -> None:
            self.orders = 0

    ref = await system.start(Forgetful, name="forgetful")
    forgetful: Any = ref._process.actor

    with pytest.raises(StoreMissingError, match="started without store="):
        await forgetful.send("till", "order", SMALL)


async def test_the_record_goes_through_a_file_and_through_message_pack(desk: Desk) -> None:
    reason = Override(OverrideKind.FORCE_REFERENCE, "for the books")
    policy = Policy(Tier.AUTO_PROMOTE, "order", AutoPromote(enabled=False, threshold=7), {"order": reason})
    desk.policies.set_policy("order", policy)

    for message in (await desk.compose("till", "order", SMALL), await desk.compose("till", "control", SMALL)):
        assert AgentMessage.from_dict(message.as_dict()) == message
        assert decode(encode(message, "message")) == message
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            message.to = "nobody"  # type: ignore[misc] # that is the mistake


async def test_what_could_not_be_sent_is_kept_as_a_dead_letter(desk: Desk, system: ActorSystem) -> None:
    message = await desk.send("nobody", "order", SMALL)
    await RouterRef(system).drained()

    (letter,) = RouterRef(system).dead_letters

    assert letter.message is message
    assert isinstance(letter.error, DeliveryFailedError)
    assert "<AgentMessage 'order' from desk to nobody: " in str(letter)


async def test_an_agent_works_in_one_system_with_its_router_there() -> None:
    async with open_system() as system:
        with pytest.raises(TypeError, match="takes 1 positional argument"):
            await system.start(Agent, "store", name="desk")
