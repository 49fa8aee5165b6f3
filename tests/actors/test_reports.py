"""Reports: which ends are logged, what a report holds, and what it must not show."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    IGNORE,
    KILLED,
    NO_REPLY,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorError,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    CallTimeoutError,
    Continue,
    Crash,
    CrashReport,
    Down,
    Exit,
    ExitReason,
    IgnoredError,
    InitTimeoutError,
    ProgressReport,
    Shutdown,
    Status,
    Stop,
    Timeout,
    get_status,
)
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind


class Till(Actor):
    """Returns what it is given, and crashes over anything that is no result."""

    def __init__(self, total: int = 0, *, trap_exit: bool = False) -> None:
        self.total = total
        self.trap_exit = trap_exit
        self._key = "secret key"

    def handle_call(self, message: Any, caller: Caller) -> Any:
        return self.act(message)

    def handle_cast(self, message: object) -> Any:
        return self.act(message)

    def handle_info(self, message: object) -> Any:
        return self.act(message)

    def handle_continue(self, argument: object) -> Any:
        return self.act(argument)

    def act(self, message: object) -> Any:
        match message:
            case Stop() | Continue():
                return message
            case float():
                self.timeout_after(message)
                return None
            case "fine":
                return None
            case _:
                raise ValueError("boom")


class Starting(Actor):
    """Does in its init what it is told."""

    def __init__(self, result: object = None) -> None:
        self.result = result

    def init(self) -> object:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Redacted(Till):
    """Shows nothing as it is."""

    def format_status(self, status: Status) -> Status:
        return Status(("message", status.message), ("state", status.state), Shutdown("hidden"))


class Hostile(Till):
    """Has a formatter that fails."""

    def __init__(self, failure: BaseException | object, total: int = 0) -> None:
        super().__init__(total)
        self.failure = failure
        self.password = "hunter2"  # noqa: S105 -- it must not be seen

    def format_status(self, status: Status) -> Any:
        if isinstance(self.failure, BaseException):
            raise self.failure
        return self.failure

    def act(self, message: object) -> Any:
        if message == "fine":
            return None
        raise ValueError(f"{message} and {self.password}")


@pytest.mark.parametrize(
    "message",
    [Stop(NORMAL), Stop(SHUTDOWN), Stop(Shutdown("reason")), Stop(Shutdown("reason"), reply="bye")],
    ids=str,
)
async def test_crash_with_a_clean_reason_is_not_reported(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture, message: Stop
) -> None:
    till = await system.start(kind(Till))

    if message.reply is NO_REPLY:
        with pytest.raises(ActorExitedError):
            await till.call(message, timeout=None)
    else:
        assert await till.call(message, timeout=None) == "bye"

    assert await till.wait() == message.reason
    assert caplog.records == []
    assert trio.current_time() == 0


async def test_crash_is_reported_once_with_what_there_is_to_know(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till), 4, name="till")

    with pytest.raises(ActorExitedError):
        await till.call("crash", timeout=None)

    reason = await till.wait()
    [report] = crash_reports()
    assert isinstance(reason, Crash)
    assert report.ref is till
    assert report.reason == reason
    assert report.message == "crash"
    assert report.state == {"total": 4, "trap_exit": False}
    assert report.actor == "tests.actors.test_reports.Till"
    assert report.parent is system.root
    assert len(caplog.records) == 1
    assert trio.current_time() == 0


async def test_crash_is_logged_as_an_error_with_its_traceback(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    till = await system.start(kind(Till))

    till.cast("crash")

    reason = await till.wait()
    [record] = caplog.records
    assert isinstance(reason, Crash)
    assert (record.name, record.levelno) == ("actors", logging.ERROR)
    assert record.exc_info is not None
    assert record.exc_info[1] is reason.cause
    assert "in act" in caplog.text
    assert 'raise ValueError("boom")' in caplog.text


class BadFileError(ActorError):
    """Its text says all."""

    speaks_for_itself = True


async def test_crash_in_init_by_what_speaks_for_itself_is_told_to_the_starter_alone(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    class Reader(Actor):
        def init(self) -> None:
            raise BadFileError("letters.txt is empty")

    with pytest.raises(BadFileError, match=r"letters.txt is empty"):
        await system.start(Reader)

    assert caplog.records == []


async def test_crash_in_a_handler_by_what_speaks_for_itself_is_reported(
    system: ActorSystem, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Reader(Actor):
        def handle_cast(self, message: object) -> None:
            raise BadFileError("letters.txt is empty")

    reader = await system.start(Reader)
    reader.cast("read")
    await reader.wait()

    assert [str(report.reason) for report in crash_reports()] == ["BadFileError: letters.txt is empty"]


async def test_crash_tells_where_a_task_outside_every_actor_waits(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till))

    async def ask_for_trouble() -> None:
        with pytest.raises(ActorExitedError):
            await till.call("crash", timeout=None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_for_trouble)

    [report] = crash_reports()
    assert report.caller is None
    line = sys._getframe().f_code.co_firstlineno + 7
    assert any(
        place.startswith(f"{__file__}:{line} in ") and "ask_for_trouble" in place for place in report.caller_stack
    )
    assert "called by a task outside every actor" in str(report)


async def test_crash_over_a_cast_names_no_caller(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till))

    till.cast("crash")

    await till.wait()
    [report] = crash_reports()
    assert (report.message, report.caller, report.caller_stack) == ("crash", None, ())


async def test_crash_over_a_call_that_was_given_up_tells_no_place(
    system: ActorSystem, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Slow(Actor):
        async def handle_call(self, message: object, caller: Caller) -> None:
            await trio.sleep(2)
            raise ValueError("boom")

    slow = await system.start(Slow)

    with pytest.raises(CallTimeoutError):
        await slow.call("crash", timeout=1)
    await slow.wait()

    [report] = crash_reports()
    assert (report.message, report.caller_stack) == ("crash", ())


async def test_crash_by_a_returned_reason_is_reported(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till))

    till.cast(Stop(Crash("crashed")))

    assert await till.wait() == Crash("crashed")
    [report] = crash_reports()
    assert report.reason == Crash("crashed")


async def test_a_crash_in_init_is_reported(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    with pytest.raises(ValueError, match="no money"):
        await system.start(kind(Starting), ValueError("no money"), name="starting")

    [report] = crash_reports()
    assert str(report.reason) == "ValueError: no money"
    assert report.message is None


@pytest.mark.parametrize("result", [IGNORE, Stop(NORMAL), Stop(SHUTDOWN)], ids=str)
async def test_an_actor_that_chooses_not_to_start_is_not_reported(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture, result: object
) -> None:
    with pytest.raises((IgnoredError, ActorExitedError)):
        await system.start(kind(Starting), result)

    assert caplog.records == []


async def test_an_init_that_takes_too_long_is_not_reported(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    class Sleeper(Actor):
        async def init(self) -> None:
            await trio.sleep_forever()

    with pytest.raises(InitTimeoutError):
        await system.start(Sleeper, init_timeout=1)

    assert caplog.records == []


async def test_a_kill_is_not_reported(system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    till = await system.start(kind(Till))

    till.kill()

    assert await till.wait() == KILLED
    assert caplog.records == []


async def test_who_dies_of_an_exit_signal_is_not_reported(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    till = await system.start(kind(Till))

    till.exit(Crash("broke"))

    assert await till.wait() == Crash("broke")
    assert caplog.records == []


async def test_who_obeys_a_parent_that_crashed_is_reported(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    parent = await system.start(Probe)
    child: ActorRef = await parent.call(lambda me: me.start_link(kind(Till), trap_exit=True))

    parent.exit(Crash("broke"))

    assert await child.wait() == Crash("broke")
    assert [(report.ref, report.parent) for report in crash_reports()] == [(child, parent)]


async def test_the_report_shows_the_down_that_was_handled(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Watcher(Till):
        def handle_call(self, ref: ActorRef, caller: Caller) -> None:
            ref.monitor()

    till, watcher = await system.start(kind(Till)), await system.start(kind(Watcher))
    await watcher.call(till, timeout=None)

    await till.stop()

    await watcher.wait()
    [report] = crash_reports()
    assert isinstance(report.message, Down)
    assert report.message.ref is till


async def test_the_report_shows_the_argument_of_a_continuation(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till))

    till.cast(Continue("crash"))

    await till.wait()
    assert [report.message for report in crash_reports()] == ["crash"]


async def test_terminate_crash_is_reported_instead_of_the_first_reason(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Careless(Till):
        def terminate(self, reason: ExitReason) -> None:
            raise OSError("disk full")

    careless = await system.start(kind(Careless))

    assert await careless.call(Stop(reply="bye"), timeout=None) == "bye"

    await careless.wait()
    [report] = crash_reports()
    assert str(report.reason) == "OSError: disk full"


async def test_terminate_crash_format_is_applied(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Careless(Redacted):
        def terminate(self, reason: ExitReason) -> None:
            raise OSError("disk full")

    careless = await system.start(kind(Careless), 4)

    await careless.call(Stop(reply="bye"), timeout=None)

    await careless.wait()
    [report] = crash_reports()
    assert report.message == ("message", Stop(reply="bye"))
    assert report.state == ("state", {"total": 4, "trap_exit": False})
    assert report.reason == Shutdown("hidden")


async def test_call_format_status_is_applied_to_what_get_status_returns(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Redacted), 4, name="till")
    till.cast("fine")
    await wait_all_tasks_blocked()

    expected = Status(("message", "fine"), ("state", {"total": 4, "trap_exit": False}), Shutdown("hidden"))
    assert await get_status(till) == expected
    assert await get_status(system.named("till"), timeout=5) == expected


async def test_call_format_status_is_told_that_the_actor_lives(system: ActorSystem, kind: Kind) -> None:
    reasons: list[ExitReason | None] = []

    class Noting(Till):
        def format_status(self, status: Status) -> Status:
            reasons.append(status.reason)
            return status

    till = await system.start(kind(Noting))

    await get_status(till)
    await till.stop(Crash("broke"))

    assert reasons == [None, Crash("broke")]


async def test_error_format_status_is_applied_to_the_crash_report(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Redacted), 4)

    with pytest.raises(ActorExitedError):
        await till.call("crash", timeout=None)

    [report] = crash_reports()
    assert report.message == ("message", "crash")
    assert report.state == ("state", {"total": 4, "trap_exit": False})


async def test_format_all_status_hides_the_reason_and_its_traceback_too(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Redacted), 4)

    till.cast("crash")

    assert str(await till.wait()) == "ValueError: boom"
    [report] = crash_reports()
    assert report.reason == Shutdown("hidden")
    assert "boom" not in caplog.text
    assert caplog.records[0].exc_info is None


async def test_format_status_subset_leaves_the_rest_as_it_is(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Partly(Till):
        def format_status(self, status: Status) -> Status:
            return attrs.evolve(status, state="sanitized")

    till = await system.start(kind(Partly), 4)
    till.cast("fine")
    await wait_all_tasks_blocked()
    status = await get_status(till)

    till.cast("crash")

    reason = await till.wait()
    [report] = crash_reports()
    assert status == Status("fine", "sanitized", None)
    assert (report.message, report.state, report.reason) == ("crash", "sanitized", reason)


FAILURES: dict[str, object] = {
    "crash_in": ValueError("in format_status"),
    "throw_in": SystemExit("in format_status"),
    "keyboard": KeyboardInterrupt(),
    "junk": {"state": "junk"},
    "none": None,
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_crash_in_format_status_and_throw_in_format_status_hide_everything(
    system: ActorSystem,
    kind: Kind,
    caplog: pytest.LogCaptureFixture,
    crash_reports: Callable[[], list[CrashReport]],
    failure: str,
) -> None:
    till = await system.start(kind(Hostile), FAILURES[failure])

    till.cast("account 4711")

    assert "hunter2" in str(await till.wait())
    [report] = crash_reports()
    assert "format_status of Hostile" in str(report.message)
    assert "format_status of Hostile" in str(report.state)
    for secret in ("hunter2", "4711", "secret key"):
        assert secret not in caplog.text


@pytest.mark.parametrize("failure", FAILURES)
async def test_crash_in_format_status_hides_everything_from_get_status(
    system: ActorSystem, kind: Kind, failure: str
) -> None:
    till = await system.start(kind(Hostile), FAILURES[failure])
    till.cast("fine")
    await wait_all_tasks_blocked()

    status = await get_status(till)

    assert "format_status of Hostile" in str(status.state)
    assert "hunter2" not in str(status)
    assert till.alive


async def test_a_failing_get_state_hides_the_state_and_still_reports(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Shy(Till):
        def get_state(self) -> None:
            raise PermissionError("private")

    shy = await system.start(kind(Shy))

    shy.cast("crash")

    assert str(await shy.wait()) == "ValueError: boom"
    [report] = crash_reports()
    assert "PermissionError" in str(report.state)


async def test_format_log_1_and_format_log_with_process_label_tell_all_in_lines(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till), 4, name="till")

    till.cast([*range(15)])

    await till.wait()
    [report] = crash_reports()
    assert str(report).splitlines() == [
        "<till #2> crashed: ValueError: boom",
        "  class: tests.actors.test_reports.Till",
        "  last message: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]",
        "  state: {'total': 4, 'trap_exit': False}",
        "  parent: <Root #1>",
    ]


async def test_format_log_2_cuts_what_is_long(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Rich(Till):
        def init(self) -> None:
            self.coins = list(range(100_000))

    rich = await system.start(kind(Rich))

    rich.cast("x" * 100_000)

    await rich.wait()
    [report] = crash_reports()
    assert len(str(report)) < 3_000
    assert report.message == "x" * 100_000


async def test_format_log_2_survives_what_cannot_be_shown(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Unspeakable:
        def __repr__(self) -> str:
            raise RuntimeError("no words")

    till = await system.start(kind(Till))

    till.cast(Unspeakable())

    await till.wait()
    [report] = crash_reports()
    assert "last message: <Unspeakable whose repr raised RuntimeError>" in str(report)


async def test_a_start_is_reported_as_information(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "actors")

    till = await system.start(kind(Till), name="till")

    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage() == "<till #2> started"
    assert record.__dict__["report"] == ProgressReport(till, system.root)


async def test_a_failed_start_is_not_reported_as_one(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "actors")

    with pytest.raises(IgnoredError):
        await system.start(kind(Starting), IGNORE)

    assert caplog.records == []


async def test_a_logging_handler_that_fails_does_not_keep_an_actor_from_ending(
    system: ActorSystem, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise OSError("disk full")

    logger = logging.getLogger("actors")
    broken = Failing()
    logger.addFilter(broken)
    till = await system.start(kind(Till), name="till")

    till.cast("crash")
    reason = await till.wait()
    logger.removeFilter(broken)

    assert str(reason) == "ValueError: boom"
    assert system.whereis("till") is None
    assert "could not be logged: OSError: disk full" in capsys.readouterr().err


@pytest.mark.parametrize(
    "message", [Timeout(), Exit(None, SHUTDOWN), Exit(None, Crash("broke"))], ids=lambda message: type(message).__name__
)
async def test_the_report_shows_the_message_of_the_runtime_that_was_handled(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]], message: object
) -> None:
    till = await system.start(kind(Till), trap_exit=True)

    if isinstance(message, Exit):
        till.exit(message.reason)
    else:
        till.cast(0.5)

    await till.wait()
    assert [report.message for report in crash_reports()] == [message]


async def test_the_report_shows_a_caller_that_was_cast(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    class Holder(Actor):
        def handle_call(self, message: object, caller: Caller) -> object:
            till.cast(caller)
            return NO_REPLY

    till, holder = await system.start(kind(Till)), await system.start(kind(Holder))
    holder.send_request("hold")

    await till.wait()
    assert [type(report.message) for report in crash_reports()] == [Caller]


async def test_stop_with_a_crash_is_reported_without_a_message(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till = await system.start(kind(Till))

    await till.stop(Crash("other_reason"))

    [report] = crash_reports()
    assert report.reason == Crash("other_reason")
    assert report.message is None


async def test_crash_names_the_actor_that_called_and_where_it_waits(
    system: ActorSystem, kind: Kind, crash_reports: Callable[[], list[CrashReport]]
) -> None:
    till, probe = await system.start(kind(Till)), await system.start(Probe)

    async def ask_for_trouble(me: Probe) -> None:
        with pytest.raises(ActorExitedError):
            await till.call("crash", timeout=None)

    await probe.call(ask_for_trouble, timeout=None)

    [report] = crash_reports()
    assert report.caller is probe
    assert any("ask_for_trouble" in place for place in report.caller_stack)
    assert f"called by {probe}" in str(report)
