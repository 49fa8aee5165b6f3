"""TopicMessage: what is published, and the same object for everybody who receives it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import attrs
import msgpack

from actors.bus.errors import BadTopicError, BusRequestError
from actors.show import shown
from actors.store import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

_numbers: Final = count()
_prefix: Final = uuid4().hex


def new_message_id() -> str:
    """Return an id that no other message has; those of one program begin alike."""
    return f"{_prefix}-{next(_numbers)}"


@attrs.frozen
class TopicMessage:
    """Something that was published. It is shared by all who receive it, so it must not be changed."""

    topic: str
    payload: Any
    from_agent: str
    """Who published it; empty if that was not said."""
    metadata: Mapping[str, str]
    time: float
    """When it was published, in seconds since 1970."""
    ttl: float
    """So many seconds after that it is not received any more; 0 for no end."""
    id: str

    def __attrs_post_init__(self) -> None:
        """Refuse what is not as it must be, so that no message can end the bus."""
        if (
            type(self.topic) is not str
            or type(self.from_agent) is not str
            or type(self.id) is not str
            or not self.id
            or type(self.time) is not float
            or type(self.ttl) is not float
            or self.ttl
            or self.metadata
        ):
            _check(self)

    def expired(self, now: float) -> bool:
        """Tell whether its time is over.

        >>> TopicMessage("t", None, "", {}, 100.0, 5.0, "1").expired(105.5)
        True
        """
        return self.ttl > 0 and now > self.time + self.ttl


def _check(message: TopicMessage) -> None:
    if not isinstance(message.topic, str):
        raise BadTopicError(f"a topic is a str that is not empty; got {message.topic!r}")
    for what, text in (("id", message.id), ("agent", message.from_agent)):
        if not isinstance(text, str) or (what == "id" and not text):
            raise BusRequestError(f"the {what} of a message to {message.topic} is {text!r}; allowed is a str")
    for what, number in (("ttl", message.ttl), ("time", message.time)):
        if not isinstance(number, int | float) or isinstance(number, bool) or not (number >= 0 or what == "time"):
            raise BusRequestError(f"the {what} of a message to {message.topic} is {number!r}; allowed are seconds")
    pairs = message.metadata.items() if isinstance(message.metadata, dict) else ((message.metadata, ""),)
    if not all(isinstance(part, str) for pair in pairs for part in pair):
        said = f"the metadata of a message to {message.topic} is {shown(message.metadata)}"
        raise BusRequestError(f"{said}; allowed is a dict of str to str")


def size_of(payload: object) -> int | None:
    r"""Return how many bytes *payload* has, in MessagePack unless it is bytes or a text; None if that cannot hold it.

    The size of a `Reference` is that of the value it stands for.

    >>> size_of(b"1234"), size_of("caf\xe9"), size_of({"a": 1}), size_of(object())
    (4, 5, 4, None)
    """
    try:
        if isinstance(payload, bytes | bytearray | memoryview):
            return memoryview(payload).nbytes
        if isinstance(payload, Reference):
            return payload.size
        if isinstance(payload, str):
            return len(str.encode(payload, errors="surrogatepass"))
        return len(msgpack.packb(payload))
    except Exception:  # noqa: BLE001 -- a payload that fails when it is looked at is no failure of the bus
        return None
