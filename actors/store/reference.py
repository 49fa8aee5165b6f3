"""Reference: what is sent in the place of a large value."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Self

import attrs

from actors.store.errors import InvalidReferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReferenceType(enum.Enum):
    """What a value is to the program; the store does not look at it."""

    UNSPECIFIED = "unspecified"
    SESSION_STATE = "session_state"
    WORKFLOW_CONTEXT = "workflow_context"
    COLLABORATION_STATE = "collaboration_state"
    TOOL_RESULT = "tool_result"
    PATTERN_DATA = "pattern_data"
    TRACE = "trace"
    LARGE_PAYLOAD = "large_payload"


@attrs.frozen(slots=False)  # with slots it takes twice as long to make
class Reference:
    """A value that a store has, by its content. It can be a part of any message, also of a durable one."""

    id: str
    """The SHA-256 of the value, in lower-case hexadecimal digits."""
    type: ReferenceType
    store: str
    """The kind of the store: ``memory``, ``sqlite``."""
    created_at: float
    """In seconds since 1970."""
    expires_at: float
    """In seconds since 1970; 0 if it never does."""
    size: int
    """The bytes of the value."""
    content_type: str = ""
    """What whoever stored it said that it is, such as ``application/json``."""

    def __repr__(self) -> str:
        return f"<Reference {self.id[:12]}: {self.size} bytes of {self.type.value} in {self.store}>"

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON and MessagePack can hold."""
        return {**attrs.asdict(self), "type": self.type.value}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return what `as_dict` was called on; raises `InvalidReferenceError`."""
        try:
            return cls(**{**fields, "type": ReferenceType(fields["type"])})
        except (TypeError, ValueError, KeyError) as error:
            raise InvalidReferenceError(f"{fields!r} is no Reference: {error!r}") from error
