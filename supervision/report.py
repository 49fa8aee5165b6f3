"""Supervisor reports: what goes wrong with children and which were started, through `logging`.

The logger is ``actors.supervisor``. Errors have the level ERROR; a start is INFO, or DEBUG if somebody asked for it.
A restart that is delayed is INFO. Each record carries its report, a frozen object with the same facts, as
``record.report``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from actors import heard

if TYPE_CHECKING:
    from actors import ActorRef, ExitReason
    from supervision.spec import ChildSpec

logger: Final = logging.getLogger("actors.supervisor")

Context: TypeAlias = Literal["start_error", "child_terminated", "shutdown_error", "shutdown"]
"""A child did not start, ended, or ended otherwise than it was told to; or the supervisor gives up because of it."""

_SENTENCES: Final[dict[Context, str]] = {
    "start_error": "{supervisor}: child {id!r} did not start: {reason}",
    "child_terminated": "{supervisor}: child {id!r} ({ref}) ended: {reason}",
    "shutdown_error": "{supervisor}: child {id!r} ({ref}) did not stop as it was told to: {reason}",
    "shutdown": "{supervisor} gives up at {reason}; the last to fail was child {id!r}",
}


@attrs.frozen
class SupervisorReport:
    """Something went wrong with a child (OTP's supervisor report)."""

    supervisor: ActorRef
    context: Context
    reason: ExitReason | str
    """Why the child ended or did not start; of context ``shutdown``, why the supervisor gives up."""
    child: ChildSpec
    ref: ActorRef | None
    """The process of the child; None if it had none."""

    def __str__(self) -> str:
        sentence = _SENTENCES[self.context]
        return sentence.format(supervisor=self.supervisor, id=self.child.id, ref=self.ref, reason=self.reason)


@attrs.frozen
class ProgressReport:
    """A child was started."""

    supervisor: ActorRef
    child: ChildSpec
    ref: ActorRef

    def __str__(self) -> str:
        return f"{self.supervisor}: child {self.child.id!r} started as {self.ref}"


@attrs.frozen
class DelayReport:
    """The restart of a child is delayed."""

    supervisor: ActorRef
    child: ChildSpec
    seconds: float

    def __str__(self) -> str:
        return f"{self.supervisor}: child {self.child.id!r} is restarted in {self.seconds:.3g} s"


def log_error(
    supervisor: ActorRef, context: Context, reason: ExitReason | str, child: ChildSpec, ref: ActorRef | None
) -> None:
    """Log what went wrong with a child."""
    if heard(logger, logging.ERROR):
        report = SupervisorReport(supervisor, context, reason, child, ref)
        logger.error("%s", report, extra={"report": report})


def log_progress(supervisor: ActorRef, child: ChildSpec, ref: ActorRef, *, requested: bool) -> None:
    """Log that a child was started: on request, or by the supervisor itself."""
    level = logging.DEBUG if requested else logging.INFO
    if heard(logger, level):
        report = ProgressReport(supervisor, child, ref)
        logger.log(level, "%s", report, extra={"report": report})


def log_delay(supervisor: ActorRef, child: ChildSpec, seconds: float) -> None:
    """Log that the restart of a child is delayed."""
    if heard(logger, logging.INFO):
        report = DelayReport(supervisor, child, seconds)
        logger.info("%s", report, extra={"report": report})
