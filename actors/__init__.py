"""Erlang/OTP's actors for Python, on trio: processes with mailboxes, links, monitors and exit reasons."""

from actors import clash
from actors.actor import Actor
from actors.backoff import Backoff
from actors.blocking import AbandonedThread, abandoned_threads, run_blocking
from actors.caller import Caller
from actors.dead_letters import DeadLetter, DeadLetters
from actors.errors import (
    ActorError,
    ActorExitedError,
    BadReturnError,
    CallingSelfError,
    CallTimeoutError,
    ErrorCategory,
    ErrorKind,
    HeirloomLostError,
    HeirloomTakenError,
    IgnoredError,
    InitTimeoutError,
    MailboxFullError,
    NameTakenError,
    NoProcessError,
    NoReplyError,
    NothingToStashError,
    OutcomeUnknownError,
    OutsideActorError,
    RecordError,
    StoppingError,
    SystemClosedError,
    SystemExitedError,
    UndefinedHandlerError,
    WrongThreadError,
    ZombieError,
)
from actors.exit import (
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    Crash,
    ExitReason,
    Killed,
    NoProcess,
    Normal,
    Shutdown,
    is_clean,
)
from actors.from_thread import FromThread
from actors.heirloom import Heirloom
from actors.heirlooms import HeirloomCheck, Heirlooms, HeirloomStatus, Quarantined
from actors.inspect import (
    get_state,
    get_statistics,
    get_status,
    get_trace,
    replace_state,
    resume,
    start_trace,
    stop_trace,
    suspend,
)
from actors.mailbox import Mailbox, MailboxFull
from actors.message import Call, Down, Exit, Priority, Timeout
from actors.monitor import Monitor
from actors.name_ref import NameRef
from actors.options import Seconds, StartOptions
from actors.overflow import Overflow
from actors.pattern import PatternError
from actors.ref import ActorRef
from actors.registry import Names
from actors.report import BlockedReport, CrashReport, ProgressReport, Status, heard
from actors.request import Request, RequestCollection
from actors.result import IGNORE, NO_REPLY, Continue, Stop
from actors.settlement import Failed, Handled, Lost, Outcome
from actors.statistics import Durations, Statistics
from actors.system import ActorSystem, open_system
from actors.timer import Timer
from actors.trace import TraceEvent

__all__ = [
    "IGNORE",
    "KILLED",
    "NOPROC",
    "NORMAL",
    "NO_REPLY",
    "SHUTDOWN",
    "AbandonedThread",
    "Actor",
    "ActorError",
    "ActorExitedError",
    "ActorRef",
    "ActorSystem",
    "Backoff",
    "BadReturnError",
    "BlockedReport",
    "Call",
    "CallTimeoutError",
    "Caller",
    "CallingSelfError",
    "Continue",
    "Crash",
    "CrashReport",
    "DeadLetter",
    "DeadLetters",
    "Down",
    "Durations",
    "ErrorCategory",
    "ErrorKind",
    "Exit",
    "ExitReason",
    "Failed",
    "FromThread",
    "Handled",
    "Heirloom",
    "HeirloomCheck",
    "HeirloomLostError",
    "HeirloomStatus",
    "HeirloomTakenError",
    "Heirlooms",
    "IgnoredError",
    "InitTimeoutError",
    "Killed",
    "Lost",
    "Mailbox",
    "MailboxFull",
    "MailboxFullError",
    "Monitor",
    "NameRef",
    "NameTakenError",
    "Names",
    "NoProcess",
    "NoProcessError",
    "NoReplyError",
    "Normal",
    "NothingToStashError",
    "Outcome",
    "OutcomeUnknownError",
    "OutsideActorError",
    "Overflow",
    "PatternError",
    "Priority",
    "ProgressReport",
    "Quarantined",
    "RecordError",
    "Request",
    "RequestCollection",
    "Seconds",
    "Shutdown",
    "StartOptions",
    "Statistics",
    "Status",
    "Stop",
    "StoppingError",
    "SystemClosedError",
    "SystemExitedError",
    "Timeout",
    "Timer",
    "TraceEvent",
    "UndefinedHandlerError",
    "WrongThreadError",
    "ZombieError",
    "abandoned_threads",
    "get_state",
    "get_statistics",
    "get_status",
    "get_trace",
    "heard",
    "is_clean",
    "open_system",
    "replace_state",
    "resume",
    "run_blocking",
    "start_trace",
    "stop_trace",
    "suspend",
]

clash.refuse_a_mixed_install()
