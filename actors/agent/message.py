"""AgentMessage: what an agent sends, with a payload that is in it or in a store.

It goes through a router as it is, also durably, and through a queue as `AgentMessage.as_dict`.
"""

from __future__ import annotations

import os
from itertools import count
from time import time
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.agent.errors import MessageMissingError
from actors.queue import Lease, QueueMessage
from actors.show import shown
from actors.store import AutoPromote, Override, OverrideKind, Policy, Reference, ReferenceType, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE_TYPES: Final = {
    kind.value: kind for kind in ReferenceType if kind not in {ReferenceType.UNSPECIFIED, ReferenceType.LARGE_PAYLOAD}
}
"""By the types of messages whose payloads have a type of their own."""


# To make an instance of a frozen class takes three times as long. So what is made for each message is made as a draft,
# and is frozen by being given its class, which has the same slots.


@attrs.define
class PayloadDraft:
    """A `Payload` that is being made."""

    inline: bytes | None
    reference: Reference | None
    size_bytes: int
    """Of the JSON."""
    checksum: str
    """The SHA-256 of the JSON, in lower-case hexadecimal digits; of a reference it is the id."""
    content_type: str = "application/json"
    compression: str = "none"
    encoding: str = "none"


@attrs.frozen
class Payload(PayloadDraft):
    """The data of a message, as JSON: either in it or in a store."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as what MessagePack can hold."""
        return {
            "inline": self.inline,
            "reference": None if self.reference is None else self.reference.as_dict(),
            "metadata": {name: getattr(self, name) for name in METADATA},
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Payload:
        """Return what `as_dict` was called on."""
        reference = fields["reference"]
        return cls(
            fields["inline"], None if reference is None else Reference.from_dict(reference), **fields["metadata"]
        )


METADATA: Final = ("size_bytes", "checksum", "content_type", "compression", "encoding")


@attrs.define
class MessageDraft:
    """An `AgentMessage` that is being made."""

    id: str
    sender: str
    """The name of the agent it is from."""
    to: str
    type: str
    payload: Payload
    policy: Policy
    """By which it was decided where the data goes."""
    timestamp: float
    """In seconds since 1970."""


@attrs.frozen
class AgentMessage(MessageDraft):
    """A message of an agent. `Agent.receive` returns its data, wherever that is."""

    def __repr__(self) -> str:
        payload = self.payload
        what = f"{payload.size_bytes} bytes" if isinstance(payload, Payload) else "no payload"
        how = " by reference" if isinstance(payload, Payload) and payload.reference is not None else ""
        return f"<AgentMessage {self.type!r} from {self.sender} to {self.to}: {what}{how}>"

    def as_dict(self) -> dict[str, Any]:
        """Return it as what MessagePack can hold; that is the payload of a message in a queue."""
        return {
            "id": self.id,
            "from": self.sender,
            "to": self.to,
            "type": self.type,
            "payload": None if self.payload is None else self.payload.as_dict(),
            "policy": _as_dict(self.policy, self.type),
            "timestamp": self.timestamp,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> AgentMessage:
        """Return what `as_dict` was called on; raises `MessageMissingError`."""
        try:
            payload: Any = None if fields["payload"] is None else Payload.from_dict(fields["payload"])
            policy = _policy_of(fields["policy"], fields["type"])
            texts = (fields["id"], fields["from"], fields["to"], fields["type"])
            return cls(*texts, payload, policy, fields["timestamp"])
        except (TypeError, ValueError, LookupError) as error:
            raise MessageMissingError(f"{shown(fields)} is no message of an agent: {error!r}") from error


def new_payload(inline: bytes | None, reference: Reference | None, size: int, checksum: str) -> Payload:
    """Return a payload."""
    made: Any = PayloadDraft(inline, reference, size, checksum)
    made.__class__ = Payload
    payload: Payload = made
    return payload


def new_message(id: str, sender: str, to: str, type: str, payload: Payload, policy: Policy) -> AgentMessage:  # noqa: A002 -- as the field is named
    """Return a message of now."""
    draft: Any = MessageDraft(id, sender, to, type, payload, policy, time())
    draft.__class__ = AgentMessage
    message: AgentMessage = draft
    return message


def message_of(given: object) -> AgentMessage:
    """Return the message of an agent that *given* is, or that was leased with it; raises `MessageMissingError`."""
    if isinstance(given, AgentMessage):
        return given
    queued = given.message if isinstance(given, Lease) else given
    if isinstance(queued, QueueMessage):
        return AgentMessage.from_dict(queued.payload)
    raise MessageMissingError(f"{shown(given)} is no AgentMessage, and no Lease of one")


def _as_dict(policy: Policy, message_type: str) -> dict[str, Any]:
    """Return what counts for messages of this type."""
    override = policy.overrides.get(message_type)
    return {
        "tier": policy.tier.name,
        "message_type": policy.message_type,
        "auto_promote": attrs.asdict(policy.auto_promote),
        "override": None if override is None else [override.kind.name, override.reason],
    }


def _policy_of(fields: Mapping[str, Any], message_type: str) -> Policy:
    overrides = {}
    if fields["override"] is not None:
        kind, reason = fields["override"]
        overrides[message_type] = Override(OverrideKind[kind], reason)
    return Policy(Tier[fields["tier"]], fields["message_type"], AutoPromote(**fields["auto_promote"]), overrides)


# An id costs a tenth of a UUID: it is a number of chance, the same for all of one process, and a count.
_numbers: Final = count()
_process = os.urandom(12).hex()


def new_id() -> str:
    """Return an id that no other message has.

    >>> len({new_id() for _ in range(1000)})
    1000
    """
    return f"{_process}{next(_numbers)}"


def _begin_anew() -> None:
    global _process  # noqa: PLW0603 -- a forked process is another process
    _process = os.urandom(12).hex()


os.register_at_fork(after_in_child=_begin_anew)
