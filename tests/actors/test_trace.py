"""The latest events of an actor, for whoever wants to know what it does."""

from __future__ import annotations

import gc
import logging
import warnings
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NO_REPLY,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Caller,
    Continue,
    Crash,
    Mailbox,
    NoProcessError,
    NoReplyError,
    Status,
    Stop,
    Timeout,
    TraceEvent,
    WrongThreadError,
    get_statistics,
    get_trace,
    resume,
    start_trace,
    stop_trace,
    suspend,
)
from tests.actors.kinds import KINDS, waiting
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import CrashReport
    from tests.actors.kinds import Kind


class Till(Actor):
    """Does what its messages say; others it echoes."""

    def __init__(self) -> None:
        self.held: list[Caller] = []

    def handle_call(self, message: Any, caller: Caller) -> Any:
        return message(self, caller) if callable(message) else message

    def handle_cast(self, message: Any) -> Any:
        return message(self) if callable(message) else None

    def handle_info(self, message: Any) -> Any:
        return message(self) if callable(message) else None

    def handle_continue(self, argument: Any) -> Any:
        return argument(self) if callable(argument) else None


class Named:
    """An act with a name of its own."""

    def __init__(self, name: str, act: Callable[..., Any]) -> None:
        self._name, self._act = name, act

    def __repr__(self) -> str:
        return self._name

    def __call__(self, *args: object) -> Any:
        return self._act(*args)


def hold(till: Till, caller: Caller) -> Any:
    till.held.append(caller)
    return NO_REPLY


def fail(_till: Till) -> None:
    raise ValueError("boom")


def brief(events: list[TraceEvent]) -> list[tuple[str, str]]:
    return [(event.kind, event.content) for event in events]


async def start_traced(system: ActorSystem, actor: type[Actor], **options: Any) -> ActorRef:
    ref = await system.start(actor, **options)
    start_trace(ref)
    return ref


# -- what is in it


async def test_a_call_and_its_reply(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    probe = await system.start(Probe)
    await trio.sleep(2.0)

    await probe.call(lambda _me: till.call("question"))

    asked, replied = get_trace(till)
    assert asked == TraceEvent(2.0, "call", "'question'", probe, None)
    assert (replied.time, replied.kind, replied.content, replied.peer) == (2.0, "reply", "'question'", probe)
    assert replied.seconds is not None
    assert replied.seconds > 0.0


async def test_a_call_that_waits_its_turn_and_its_reply(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    await suspend(till)
    request = till.send_request("question")

    await resume(till)
    await request.wait()

    assert brief(get_trace(till)) == [("call", "'question'"), ("reply", "'question'")]


async def test_casts_infos_and_deliveries_with_their_senders(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    probe = await system.start(Probe)
    await suspend(till)

    await probe.call(lambda _me: till.cast("cast"))
    till.send("info")
    await probe.call(lambda _me: till.deliver("delivery", lambda _outcome: None))
    await resume(till)
    await wait_all_tasks_blocked()

    events = get_trace(till)
    assert brief(events) == [
        ("cast", "'cast'"),
        ("noreply", "'cast'"),
        ("info", "'info'"),
        ("noreply", "'info'"),
        ("cast", "'delivery'"),
        ("noreply", "'delivery'"),
    ]
    assert [event.peer for event in events[::2]] == [probe, None, probe]
    assert all(event.seconds is not None and event.seconds > 0 for event in events[1::2])


async def test_senders_where_the_mailbox_has_priorities(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till), mailbox=Mailbox(priority=True))
    probe = await system.start(Probe)

    await probe.call(lambda _me: till.cast("cast"))
    await wait_all_tasks_blocked()

    assert get_trace(till)[0] == TraceEvent(0.0, "cast", "'cast'", probe, None)


async def test_timers_timeouts_and_the_news_of_the_runtime(system: ActorSystem, kind: Kind) -> None:
    def watch(_till: Till) -> None:
        other.monitor()

    other = await system.start(Till)
    till = await start_traced(system, kind(Till))
    till.cast(Named("watch", watch))
    till.send_after(1.0, "tick")
    await trio.sleep(2.0)
    till.cast(Named("wait", lambda till: till.timeout_after(3.0)))
    await trio.sleep(4.0)
    await other.stop()
    await wait_all_tasks_blocked()

    incoming = [event for event in get_trace(till) if event.seconds is None]
    assert [(event.time, event.kind) for event in incoming] == [
        (0.0, "cast"),
        (1.0, "info"),
        (2.0, "cast"),
        (5.0, "timeout"),
        (6.0, "info"),
    ]
    assert incoming[3].content == repr(Timeout())
    assert incoming[4].content.startswith("Down(ref=<Till #2>, reason=Normal()")
    assert all(event.peer is None for event in incoming)


async def test_what_a_handler_goes_on_with(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))

    await till.call(Named("go on", lambda _till, _caller: Continue("more", reply="first")))
    till.cast(Named("go on too", lambda _till: Continue("even more")))
    await wait_all_tasks_blocked()

    assert brief(get_trace(till)) == [
        ("call", "go on"),
        ("reply", "'first'"),
        ("continue", "'more'"),
        ("noreply", "'more'"),
        ("cast", "go on too"),
        ("noreply", "go on too"),
        ("continue", "'even more'"),
        ("noreply", "'even more'"),
    ]


async def test_an_answer_that_is_given_later(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    probe = await system.start(Probe)
    requests: list[Any] = []

    await probe.call(lambda _me: requests.append(till.send_request(Named("hold", hold))))
    await trio.sleep(1.0)
    till.cast(Named("answer", lambda till: till.held[0].reply("at last")))
    till.cast(Named("again", lambda till: till.held[0].reply("too late")))
    await requests[0].wait()
    await wait_all_tasks_blocked()

    events = get_trace(till)
    assert brief(events) == [
        ("call", "hold"),
        ("noreply", "hold"),
        ("cast", "answer"),
        ("reply", "'at last'"),
        ("noreply", "answer"),
        ("cast", "again"),
        ("noreply", "again"),
    ]
    assert events[3] == TraceEvent(1.0, "reply", "'at last'", probe, None)


async def test_a_refusal(system: ActorSystem, kind: Kind) -> None:
    def refuse(_till: Till, caller: Caller) -> Any:
        caller.refuse(ValueError("closed"))
        return NO_REPLY

    till = await start_traced(system, kind(Till))

    with pytest.raises(ValueError, match="closed"):
        await till.call(Named("question", refuse))

    assert brief(get_trace(till)) == [
        ("call", "question"),
        ("refuse", "ValueError: closed"),
        ("noreply", "question"),
    ]


async def test_an_event_reads_as_a_line() -> None:
    ref: Any = "<till #2>"

    asked = TraceEvent(12.3456, "call", "'question'", ref, None)
    replied = TraceEvent(12.5, "reply", "'answer'", ref, 0.25)
    done = TraceEvent(13.0, "noreply", "'cast'", None, 0.001)

    assert str(asked) == "12.346 in  call 'question' from <till #2>"
    assert str(replied) == "12.500 out reply 'answer' to <till #2> after 0.250000 s"
    assert str(done) == "13.000 out noreply 'cast' after 0.001000 s"


# -- how long


async def test_the_latest_are_kept(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    start_trace(till, last=3)

    for number in range(200):
        till.cast(number)
    await wait_all_tasks_blocked()

    assert brief(get_trace(till)) == [("noreply", "198"), ("cast", "199"), ("noreply", "199")]
    assert repr(till._process.callbacks.trace) == f"<Trace of {till}: 3 events, at most 3>"


@pytest.mark.parametrize("last", [0, -1, 1.5, True, None])
async def test_another_number_of_events_than_1_or_more_is_refused(system: ActorSystem, last: Any) -> None:
    till = await system.start(Till)

    with pytest.raises(ValueError, match=rf"the trace of <Till #2> is to keep {last!r} events; allowed is an int of 1"):
        start_trace(till, last=last)

    assert get_trace(till) == []


async def test_what_is_not_traced_has_no_events(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await till.call("question")

    stop_trace(till)

    assert get_trace(till) == []


async def test_when_it_is_stopped_its_events_are_gone_and_its_callbacks_its_own(
    system: ActorSystem, kind: Kind
) -> None:
    till = await system.start(kind(Till))
    before = till._process.callbacks
    start_trace(till)
    await till.call("question")
    await suspend(till)
    till.cast("cast")
    till.send("info")

    stop_trace(till)
    await resume(till)
    await till.call("question")

    assert get_trace(till) == []
    assert get_statistics(till).handled == 4
    assert till._process.callbacks == before
    assert till._process.handle_call == till._process.actor.handle_call


async def test_started_again_it_begins_anew(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    await till.call("first")

    start_trace(till, last=10)
    await till.call("second")

    assert brief(get_trace(till)) == [("call", "'second'"), ("reply", "'second'")]


async def test_it_ends_with_the_incarnation(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till), name="till")
    await till.call("question")
    await till.stop()
    again = await system.start(kind(Till), name="till")

    for ask in (get_trace, start_trace, stop_trace):
        with pytest.raises(NoProcessError, match=r"<till #2> is dead"):
            ask(till)
    assert get_trace(again) == []
    assert till._process.callbacks.trace is None


async def test_it_follows_a_name(system: ActorSystem, kind: Kind) -> None:
    await system.start(kind(Till), name="till")
    name = system.named("till")

    start_trace(name)
    await name.call("question")

    assert brief(get_trace(name)) == [("call", "'question'"), ("reply", "'question'")]


async def test_another_thread_is_refused(system: ActorSystem) -> None:
    till = await start_traced(system, Till)

    for ask in (get_trace, start_trace, stop_trace):
        with pytest.raises(WrongThreadError):
            await trio.to_thread.run_sync(ask, till)


# -- at once


class Busy(Actor):
    async def handle_cast(self, message: object) -> None:
        await trio.sleep(1.0)

    def handle_call(self, message: object, caller: Caller) -> object:
        return message


async def test_a_busy_actor_is_traced_from_its_next_message_on(system: ActorSystem) -> None:
    busy = await system.start(Busy)
    for number in range(3):
        busy.cast(number)
    await trio.sleep(0.5)

    start_trace(busy)
    at_once = get_trace(busy)
    await trio.sleep(1.0)
    in_the_next = brief(get_trace(busy))
    await trio.sleep(5.0)

    assert at_once == []
    assert in_the_next == [("cast", "1")]
    assert brief(get_trace(busy)) == [("cast", "1"), ("noreply", "1"), ("cast", "2"), ("noreply", "2")]


async def test_a_busy_actor_is_not_traced_any_more_from_its_next_message_on(system: ActorSystem) -> None:
    busy = await start_traced(system, Busy)
    for number in range(3):
        busy.cast(number)
    await trio.sleep(0.5)

    stop_trace(busy)
    start = busy._process.callbacks
    await trio.sleep(5.0)

    assert get_trace(busy) == []
    assert start.trace is None
    assert get_statistics(busy).handled == 3


async def test_a_handler_of_many_messages_at_once_is_traced_from_the_next_on(system: ActorSystem) -> None:
    till = await system.start(Till)
    await suspend(till)
    till.cast(Named("first", lambda till: start_trace(till.ref)))
    till.cast("second")
    till.cast(Named("third", lambda till: stop_trace(till.ref)))
    till.cast(Named("fourth", lambda till: start_trace(till.ref)))
    till.cast("fifth")

    await resume(till)
    await wait_all_tasks_blocked()

    assert brief(get_trace(till)) == [("cast", "'fifth'"), ("noreply", "'fifth'")]


async def test_an_idle_actor_of_mixed_kinds_is_traced_after_an_inline_call(system: ActorSystem) -> None:
    class Mixed(Till):
        async def handle_cast(self, message: Any) -> Any:
            await trio.sleep(0.0)

    mixed = await system.start(Mixed)
    mixed.cast("before")
    await wait_all_tasks_blocked()

    start_trace(mixed)
    await mixed.call("question")
    mixed.cast("after")
    await wait_all_tasks_blocked()

    assert brief(get_trace(mixed)) == [
        ("call", "'question'"),
        ("reply", "'question'"),
        ("cast", "'after'"),
        ("noreply", "'after'"),
    ]


async def test_an_actor_may_trace_itself_from_its_init_on(system: ActorSystem, kind: Kind) -> None:
    class Traced(Till):
        def init(self) -> Continue:
            start_trace(self.ref)
            return Continue("begin")

    till = await system.start(kind(Traced))
    await till.call("question")

    assert brief(get_trace(till))[-2:] == [("call", "'question'"), ("reply", "'question'")]
    assert ("continue", "'begin'") in brief(get_trace(till))


async def test_a_handler_that_has_not_returned_is_seen_without_its_end(system: ActorSystem) -> None:
    busy = await start_traced(system, Busy)
    busy.cast("cast")
    await wait_all_tasks_blocked()

    assert brief(get_trace(busy)) == [("cast", "'cast'")]


async def test_a_traced_actor_can_be_suspended_and_resumed(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    await suspend(till)
    start_trace(till)
    till.cast("cast")
    await wait_all_tasks_blocked()
    while_suspended = get_trace(till)

    await resume(till)
    await wait_all_tasks_blocked()

    assert while_suspended == []
    assert brief(get_trace(till)) == [("cast", "'cast'"), ("noreply", "'cast'")]


# -- it changes nothing else


async def test_whatever_the_handlers_do_a_traced_actor_does_as_an_untraced_one(system: ActorSystem, kind: Kind) -> None:
    async def drive(till: ActorRef) -> list[object]:
        outcomes: list[object] = []
        outcomes.append(await till.call("question"))
        outcomes.append(await till.call(lambda _till, _caller: Continue(None, reply="first")))
        request = till.send_request(hold)
        till.cast(lambda till: till.held[0].reply("later"))
        outcomes.append(await request.wait())
        with pytest.raises(NoReplyError):
            await till.call(lambda _till, _caller: NO_REPLY)
        till.deliver("delivery", outcomes.append)
        till.cast("cast")
        await wait_all_tasks_blocked()
        till.deliver(lambda _till: 7, lambda outcome: outcomes.append(type(outcome).__name__))
        outcomes.append(type(await till.wait()).__name__)
        return outcomes

    plain = await drive(await system.start(kind(Till)))
    traced = await drive(await start_traced(system, kind(Till)))

    assert plain == traced


@pytest.mark.parametrize("end", ["kill", "exit", "stop"])
@pytest.mark.parametrize("traced", [False, True], ids=["untraced", "traced"])
async def test_an_idle_actor_ends_without_a_word(
    system: ActorSystem, kind: Kind, end: str, caplog: pytest.LogCaptureFixture, *, traced: bool
) -> None:
    till = await system.start(kind(Till))
    if traced:
        start_trace(till)
    till.cast("cast")
    await wait_all_tasks_blocked()

    match end:
        case "kill":
            till.kill()
        case "exit":
            till.exit(SHUTDOWN)
        case _:
            await till.stop()
    await till.wait()
    await wait_all_tasks_blocked()

    assert caplog.records == []


async def test_a_callback_that_is_never_begun_is_closed(system: ActorSystem) -> None:
    class Lazy(Till):
        def handle_cast(self, message: Any) -> Any:
            self.ref.kill()
            return message()

    begun: list[str] = []

    async def work() -> None:
        begun.append("begun")

    till = await start_traced(system, Lazy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        till.cast(work)
        reason = await till.wait()
        gc.collect()

    assert reason == KILLED
    assert begun == []


async def test_a_traced_handler_that_is_cut_off_is_interrupted(system: ActorSystem) -> None:
    reasons: list[Any] = []

    class Cut(Busy):
        def terminate(self, reason: Any) -> None:
            reasons.append((reason.interrupted, brief(get_trace(self.ref))))

    busy = await start_traced(system, Cut)
    busy.cast("cast")
    await wait_all_tasks_blocked()

    busy.exit(SHUTDOWN)
    await busy.wait()

    [(interrupted, [cast, raised])] = reasons
    assert interrupted
    assert cast == ("cast", "'cast'")
    assert raised[0] == "raise"
    assert raised[1].startswith("Cancelled")


# -- in crash reports


async def test_a_crash_report_shows_what_happened_last(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await start_traced(system, kind(Till))
    till.cast("cast")
    till.cast(Named("fail", fail))

    await till.wait()

    (report,) = crash_reports()
    assert [(event.kind, event.content) for event in report.trace] == [
        ("cast", "'cast'"),
        ("noreply", "'cast'"),
        ("cast", "fail"),
        ("raise", "ValueError: boom"),
    ]
    assert "  what happened last:\n    0.000 in  cast 'cast'\n" in str(report)


async def test_a_stop_is_the_last_that_happened(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await start_traced(system, kind(Till))

    await till.call(Named("stop", lambda _till, _caller: Stop(Crash("broken"), reply="so long")))

    (report,) = crash_reports()
    assert [(event.kind, event.content) for event in report.trace] == [
        ("call", "stop"),
        ("reply", "'so long'"),
        ("stop", "broken"),
    ]


async def test_a_crash_report_of_an_actor_that_is_not_traced_shows_none(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till))
    till.cast(fail)

    await till.wait()

    (report,) = crash_reports()
    assert report.trace == ()
    assert "what happened last" not in str(report)


# -- what must not be seen


@attrs.frozen
class Secret:
    text: str


class Discreet(Till):
    def format_status(self, status: Status) -> Status:
        if isinstance(status.message, Secret):
            status = attrs.evolve(status, message="<secret>")
        return attrs.evolve(status, reason=None)


async def test_a_trace_shows_what_format_status_shows(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await start_traced(system, kind(Discreet))
    await till.call(Secret("4711"))
    await till.call("public")
    trace = get_trace(till)
    till.cast(fail)
    await till.wait()

    (report,) = crash_reports()
    assert brief(trace) == [
        ("call", "'<secret>'"),
        ("reply", "'<secret>'"),
        ("call", "'public'"),
        ("reply", "'public'"),
    ]
    assert report.trace[-1].content == "hidden"
    assert "4711" not in str(report)
    assert "boom" not in str(report)


@pytest.mark.parametrize("broken", ["raises", "returns nothing", "state raises"])
async def test_a_format_status_that_fails_hides_the_trace(
    system: ActorSystem, kind: Kind, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Till):
        def format_status(self, status: Status) -> Any:
            if broken == "raises":
                raise ValueError("no")
            return None if broken == "returns nothing" else status

        if broken == "state raises":

            def get_state(self) -> Any:
                raise ValueError("no")

    caplog.set_level(logging.CRITICAL)
    till = await start_traced(system, kind(Broken))
    await till.call("4711")

    events = get_trace(till)

    assert [event.kind for event in events] == ["call", "reply"]
    assert all(event.content.strip("'").startswith("<format_status of Broken r") for event in events)


async def test_messages_that_fail_at_everything_are_traced(system: ActorSystem, kind: Kind) -> None:
    class Nasty:
        def __repr__(self) -> str:
            raise ValueError("no repr")

        def __eq__(self, other: object) -> bool:
            raise ValueError("no equality")

        __hash__ = None  # type: ignore[assignment]

    till = await start_traced(system, kind(Till))
    till.cast(Nasty())
    await wait_all_tasks_blocked()

    assert [event.content for event in get_trace(till)] == ["<Nasty whose repr raised ValueError>"] * 2


async def test_long_messages_are_cut(system: ActorSystem, kind: Kind) -> None:
    till = await start_traced(system, kind(Till))
    await till.call("x" * 5000)

    assert [len(event.content) for event in get_trace(till)] == [1000, 1000]


# -- what it costs


@pytest.mark.parametrize("name", KINDS)
async def test_an_actor_that_is_not_traced_runs_the_very_callbacks_of_its_class(system: ActorSystem, name: str) -> None:
    actor = KINDS[name](Till)
    till = await system.start(actor)
    start_trace(till)
    other = await system.start(actor)

    process = other._process

    assert process.callbacks is actor._callbacks
    assert process.handle_call == process.actor.handle_call
    assert process.handle_cast == process.actor.handle_cast


async def test_nothing_keeps_the_messages_of_a_dead_actor_that_was_traced(system: ActorSystem) -> None:
    class Message:
        """Something to be kept."""

    def living() -> int:
        gc.collect()
        return sum(type(thing) is Message for thing in gc.get_objects())

    till = await start_traced(system, waiting(Till))
    for _ in range(10):
        till.cast(Message())
    await wait_all_tasks_blocked()
    traced = living()

    await till.stop()

    assert traced == 10
    assert living() == 0
