"""Child and supervisor specifications: what is to run, and how it is kept running.

A specification is checked in full when it is made, so one that exists is valid, and no child of a supervisor starts
before all its specifications are known to be good.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeGuard, cast, get_args

import attrs

from actors import Actor, Backoff, Mailbox, Seconds
from actors.config import ConfigError
from actors.show import shown
from supervision.errors import BadSpecError
from supervision.intensity import PRESETS, Limit, Preset, preset
from supervision.shutdown import AutoShutdown, Restart
from supervision.strategy import Strategy

if TYPE_CHECKING:
    from actors.result import Signal

Check: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]

BRUTAL_KILL: Final = "brutal_kill"
INTENSITY: Final = f"an int of 0 or more, {', '.join(map(repr, list(PRESETS)[:-1]))} or {list(PRESETS)[-1]!r}"
PERIOD: Final = "a finite number of seconds above 0"
BACKOFF: Final = "a Backoff or None"


def refuse(owner: object, field: str, value: object, allowed: str) -> BadSpecError:
    """Return the error for *value* in *field* of *owner*, which is a specification or what is to be made from one."""
    return BadSpecError(f"{_title(owner)}: {field} is {shown(value)}; allowed is {allowed}", field, value)


def _title(owner: object) -> str:
    match owner:
        case str():
            return owner
        case ChildSpec(id=str() as name):
            return f"ChildSpec {name!r}"
        case _:
            return type(owner).__name__


def _must(allowed: str, is_allowed: Callable[[Any], bool]) -> Check:
    """Return a validator that refuses every value for which *is_allowed* is false."""

    def check(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not is_allowed(value):
            raise refuse(owner, attribute.name, value, allowed)

    return check


def _one_of(alias: object) -> Check:
    """Return a validator that refuses what is not a member of the `Literal` *alias*."""
    members = get_args(alias)
    listed = f"{', '.join(map(repr, members[:-1]))} or {members[-1]!r}"
    return _must(listed, lambda value: isinstance(value, str) and value in members)


def is_count(value: object) -> bool:
    """Tell whether *value* is an integer of at least 0, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether *value* is a number, which True and False are not meant to be."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and value == value.strip() != ""


def _is_time(value: Any) -> bool:
    return value == BRUTAL_KILL if isinstance(value, str) else is_number(value) and value >= 0


def _is_period(value: Any) -> bool:
    return is_number(value) and 0 < value < math.inf


def _copied(kwargs: Mapping[str, object]) -> Mapping[str, object]:
    return dict(kwargs) if isinstance(kwargs, Mapping) else kwargs


def _listed(children: Iterable[ChildSpec]) -> tuple[ChildSpec, ...]:
    return tuple(children) if isinstance(children, Iterable) else children


def limit_of(owner: object, intensity: int | Preset, period: float) -> Limit:
    """Return how many restarts are allowed within how many seconds. Raises `BadSpecError`."""
    named = preset(intensity)
    if named is None and not is_count(intensity):
        raise refuse(owner, "intensity", intensity, INTENSITY)
    if not _is_period(period):
        raise refuse(owner, "period", period, PERIOD)
    if named is not None and period != named.seconds:
        raise refuse(owner, "period", period, f"{named.seconds}, which is a part of the intensity {intensity!r}")
    return named or Limit(cast("int", intensity), period)


def period_of(intensity: object) -> float:
    """Return the period that goes with *intensity* where none is given: OTP's, unless it is a preset."""
    named = preset(intensity)
    return 5.0 if named is None else named.seconds


def check_backoff(owner: object, backoff: object) -> None:
    """Raise `BadSpecError` if *backoff* is something else."""
    if backoff is not None and not isinstance(backoff, Backoff):
        raise refuse(owner, "backoff", backoff, BACKOFF)


def _time_of_class(child: ChildSpec) -> Seconds:
    # The class may be no class at all: its own validator comes later, and says so.
    time: Seconds = getattr(child.actor, "shutdown", Actor.shutdown)
    return time


def _not_permanent(child: ChildSpec, _attribute: object, significant: object) -> None:
    if significant and child.restart == "permanent":
        raise refuse(child, "significant", significant, "False for a permanent child, which always comes back")


def _is_mailbox(value: object) -> bool:
    return value is None or value == "keep" or isinstance(value, Mailbox)


def _backoff(owner: object, _attribute: object, backoff: Backoff | None) -> None:
    check_backoff(owner, backoff)


@attrs.frozen
class ChildSpec:
    """What a child is, how it is started, and what becomes of it when it ends.

    Every start makes a new instance of *actor*.
    """

    id: str = attrs.field(validator=_must("a printable str without space around it", _is_text))
    """What the supervisor knows it by; unique among its children, except under a `DynamicSupervisor`."""
    actor: type[Actor] = attrs.field(
        validator=_must(
            "a subclass of Actor",
            lambda value: isinstance(value, type) and issubclass(value, Actor),
        )
    )
    args: tuple[object, ...] = attrs.field(
        default=(), validator=_must("a tuple", lambda value: isinstance(value, tuple))
    )
    """Positional arguments of the constructor."""
    kwargs: Mapping[str, object] = attrs.field(
        factory=dict,
        converter=_copied,
        validator=_must(
            "a mapping whose keys are str",
            lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value),
        ),
    )
    """Keyword arguments of the constructor."""
    name: str | None = attrs.field(
        default=None,
        kw_only=True,
        validator=_must(
            "None or a printable str without space around it",
            lambda value: value is None or _is_text(value),
        ),
    )
    """The name that each incarnation is registered under."""
    restart: Restart = attrs.field(default="permanent", kw_only=True, validator=_one_of(Restart))
    """Whether it is started again: always, after a failure only (``transient``), or never (``temporary``)."""
    shutdown: Seconds = attrs.field(
        default=attrs.Factory(_time_of_class, takes_self=True),
        kw_only=True,
        validator=_must(f"a number of seconds of 0 or more, math.inf or {BRUTAL_KILL!r}", _is_time),
    )
    """Seconds it is given to stop before it is killed. By default what its class says."""
    significant: bool = attrs.field(
        default=False,
        kw_only=True,
        validator=[_must("True or False", lambda value: isinstance(value, bool)), _not_permanent],
    )
    """Whether its end by itself can end the supervisor; see `SupervisorSpec.auto_shutdown`."""
    backoff: Backoff | None = attrs.field(default=None, kw_only=True, validator=_backoff)
    """Delays before its restarts, except the first; by default what its supervisor says."""
    mailbox: Mailbox | Literal["keep"] | None = attrs.field(
        default=None, kw_only=True, validator=_must("a Mailbox, 'keep' or None", _is_mailbox)
    )
    """The rules of its mailbox, by default what its class says; ``keep`` hands unread messages to the next incarnation.

    These are the casts and infos, in their order. What is sent meanwhile is kept too. When the child ends for good, is
    terminated on request, or the supervisor ends, they become dead letters.
    """

    @property
    def rules(self) -> Mailbox:
        """The rules of its mailbox."""
        if isinstance(self.mailbox, Mailbox):
            return self.mailbox
        return self.actor.mailbox if self.mailbox is None else attrs.evolve(self.actor.mailbox, keep=True)


def _is_children(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(child, ChildSpec) for child in value)


def _unique(spec: SupervisorSpec, _attribute: object, children: tuple[ChildSpec, ...]) -> None:
    seen: set[str] = set()
    for child in children:
        if child.id in seen:
            raise refuse(spec, "id", child.id, "an id that no other child has")
        seen.add(child.id)


def _limited(spec: SupervisorSpec, _attribute: object, period: float) -> None:
    limit_of(spec, spec.intensity, period)


def _fits_children(spec: SupervisorSpec, _attribute: object, auto_shutdown: AutoShutdown) -> None:
    for child in spec.children:
        check_child(child, auto_shutdown)


@attrs.frozen
class SupervisorSpec:
    """The children of a supervisor in start order, and how it keeps them running. The defaults are OTP's."""

    children: tuple[ChildSpec, ...] = attrs.field(
        default=(),
        converter=_listed,
        validator=[_must("an iterable of ChildSpec", _is_children), _unique],
    )
    strategy: Strategy = attrs.field(default="one_for_one", kw_only=True, validator=_one_of(Strategy))
    """Who is restarted with a child that failed: nobody else, all of them, or those started after it."""
    intensity: int | Preset = attrs.field(default=1, kw_only=True)
    """How many restarts are allowed within the period. With one more the supervisor stops its children and ends.

    Or the name of a number and a period: ``lenient`` (10 in 120 s), ``moderate`` (5 in 60 s), ``strict`` (3 in 30 s)
    or ``never``, with which the first failure ends the supervisor.
    """
    period: float = attrs.field(
        default=attrs.Factory(lambda spec: period_of(spec.intensity), takes_self=True),
        kw_only=True,
        validator=_limited,
    )
    """Seconds; a restart exactly this long ago still counts. Left out beside a name, which brings its own."""
    backoff: Backoff | None = attrs.field(default=None, kw_only=True, validator=_backoff)
    """Delays before the restarts of each child, except its first; none by default. A child may have its own."""
    auto_shutdown: AutoShutdown = attrs.field(
        default="never", kw_only=True, validator=[_one_of(AutoShutdown), _fits_children]
    )
    """Whether the supervisor ends when any, or the last, significant child has ended by itself for good."""

    @property
    def limit(self) -> Limit:
        """How many restarts are allowed within how many seconds."""
        return limit_of(self, self.intensity, self.period)


TreeSource: TypeAlias = "SupervisorSpec | Callable[[], SupervisorSpec | Signal]"
"""A specification, or what makes one each time the supervisor starts; it may also return `IGNORE`."""


def with_first(child: ChildSpec, tree: TreeSource) -> TreeSource:
    """Return *tree* with *child* before its own children. Raises `ConfigError` if it has one of that id."""
    if isinstance(tree, SupervisorSpec):
        return _with_first(child, tree)
    if not callable(tree):
        return tree

    def source() -> SupervisorSpec | Signal:
        made = tree()
        return _with_first(child, made) if isinstance(made, SupervisorSpec) else made

    return source


def _with_first(child: ChildSpec, spec: SupervisorSpec) -> SupervisorSpec:
    if any(own.id == child.id for own in spec.children):
        raise ConfigError(
            [f"the tree has a child {child.id!r} of its own; leave it out, or run it without a configuration"]
        )
    return attrs.evolve(spec, children=(child, *spec.children))


def check_child(child: object, auto_shutdown: AutoShutdown) -> None:
    """Raise `BadSpecError` if *child* is no specification, or is significant where that can have no effect."""
    if not isinstance(child, ChildSpec):
        raise refuse("StartChild", "spec", child, "a ChildSpec")
    if child.significant and auto_shutdown == "never":
        raise refuse(child, "significant", child.significant, "False under a supervisor whose auto_shutdown is 'never'")


def without_arguments(child: ChildSpec) -> ChildSpec:
    """Return the specification of a temporary child as it is kept: its arguments will not be needed again."""
    return attrs.evolve(child, args=(), kwargs={})
