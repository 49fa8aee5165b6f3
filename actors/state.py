"""The state of an actor, as inspection and crash reports see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actors.show import shown

if TYPE_CHECKING:
    from actors.actor import Actor


def state_of(actor: Actor) -> Any:
    """Return what `get_state` of *actor* says, if it defines that, else its attributes without the private ones."""
    get_state = getattr(actor, "get_state", None)
    if get_state is not None:
        return get_state()
    return {name: getattr(actor, name) for name in _names(actor)}


def set_state_of(actor: Actor, state: Any) -> None:
    """Give *state* to `set_state` of *actor*, if it defines that, else make it the actor's public attributes."""
    set_state = getattr(actor, "set_state", None)
    if set_state is not None:
        set_state(state)
        return
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        msg = f"the state of a {type(actor).__name__} is a mapping of attributes by their names; got {shown(state)}"
        raise TypeError(msg)
    before = state_of(actor)
    try:
        _assign(actor, state)
    except BaseException:
        _assign(actor, before)
        raise


def _assign(actor: Actor, state: Mapping[str, Any]) -> None:
    for name in _names(actor):
        if name not in state:
            delattr(actor, name)
    for name, value in state.items():
        setattr(actor, name, value)


def _names(actor: Actor) -> list[str]:
    slots = [name for cls in type(actor).__mro__ for name in _slots(cls)]
    names = [*getattr(actor, "__dict__", ()), *(name for name in slots if hasattr(actor, name))]
    return [name for name in names if not name.startswith("_")]


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
