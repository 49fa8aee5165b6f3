"""Agents: actors that send and receive data, and need not know whether it goes in the message or by reference."""

from actors.agent.agent import Agent
from actors.agent.errors import (
    AckTimeoutError,
    AgentError,
    MessageMissingError,
    NameMissingError,
    NotSerialisableError,
    PayloadCorruptError,
    PayloadEmptyError,
    PayloadMissingError,
    PayloadNotDecodedError,
    PayloadNotResolvedError,
    PolicyMissingError,
    QueueMissingError,
    StoreMissingError,
)
from actors.agent.message import AgentMessage, Payload

__all__ = [
    "AckTimeoutError",
    "Agent",
    "AgentError",
    "AgentMessage",
    "MessageMissingError",
    "NameMissingError",
    "NotSerialisableError",
    "Payload",
    "PayloadCorruptError",
    "PayloadEmptyError",
    "PayloadMissingError",
    "PayloadNotDecodedError",
    "PayloadNotResolvedError",
    "PolicyMissingError",
    "QueueMissingError",
    "StoreMissingError",
]
