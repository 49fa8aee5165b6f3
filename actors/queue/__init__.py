"""The durable queue: messages for recipients with names, stored before they count, and there until acknowledged."""

from actors.queue.behaviour import Batch, Change, Done, QueueStore, Record, Row, Sketch
from actors.queue.client import QueueClient
from actors.queue.errors import (
    CorruptMessageError,
    FencedError,
    LeaseLostError,
    MessageRefusedError,
    NoAnswerError,
    NoDeadLetterError,
    OutcomeUnknownError,
    QueueClosedError,
    QueueError,
    RetriesExceededError,
    StoreFailedError,
    StoreTakenError,
    UnknownRecipientError,
)
from actors.queue.memory import MemoryStore
from actors.queue.message import QueueMessage
from actors.queue.options import QueueOptions
from actors.queue.queue import Queue
from actors.queue.requests import DeadMessage, Lease, MessagesWaiting, PendingInfo, QueueStatistics
from actors.queue.sqlite import SqliteStore
from actors.queue.states import MessageStatus

__all__ = [
    "Batch",
    "Change",
    "CorruptMessageError",
    "DeadMessage",
    "Done",
    "FencedError",
    "Lease",
    "LeaseLostError",
    "MemoryStore",
    "MessageRefusedError",
    "MessageStatus",
    "MessagesWaiting",
    "NoAnswerError",
    "NoDeadLetterError",
    "OutcomeUnknownError",
    "PendingInfo",
    "Queue",
    "QueueClient",
    "QueueClosedError",
    "QueueError",
    "QueueMessage",
    "QueueOptions",
    "QueueStatistics",
    "QueueStore",
    "Record",
    "RetriesExceededError",
    "Row",
    "Sketch",
    "SqliteStore",
    "StoreFailedError",
    "StoreTakenError",
    "UnknownRecipientError",
]
