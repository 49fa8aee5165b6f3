"""The store of references: large values by their content, kept once, sent as a reference, held by counts."""

from actors.store.behaviour import Batch, Done, Loose, Piece, ReferenceStore, Row, Totals
from actors.store.client import StoreClient
from actors.store.coding import Compression, Encoding
from actors.store.errors import (
    CompressionMissingError,
    IntegrityError,
    InvalidReferenceError,
    OutcomeUnknownError,
    ReferenceExpiredError,
    ReferenceNotFoundError,
    StaleStoreError,
    StoreClosedError,
    StoreError,
    StoreFailedError,
    StoreInUseError,
    ValueRefusedError,
    ValueTooLargeError,
)
from actors.store.factory import (
    Backend,
    CommunicationConfig,
    FactoryConfig,
    GcConfig,
    PoliciesConfig,
    ServerSqliteConfig,
    StoreConfig,
)
from actors.store.memory import MemoryReferenceStore
from actors.store.options import GcStrategy, StoreOptions
from actors.store.policy import AutoPromote, Override, OverrideKind, Policy, PolicyManager, Tier
from actors.store.reference import Reference, ReferenceType
from actors.store.requests import StoredValue, StoreStatistics
from actors.store.sqlite import SqliteReferenceStore
from actors.store.store import Store

__all__ = [
    "AutoPromote",
    "Backend",
    "Batch",
    "CommunicationConfig",
    "Compression",
    "CompressionMissingError",
    "Done",
    "Encoding",
    "FactoryConfig",
    "GcConfig",
    "GcStrategy",
    "IntegrityError",
    "InvalidReferenceError",
    "Loose",
    "MemoryReferenceStore",
    "OutcomeUnknownError",
    "Override",
    "OverrideKind",
    "Piece",
    "PoliciesConfig",
    "Policy",
    "PolicyManager",
    "Reference",
    "ReferenceExpiredError",
    "ReferenceNotFoundError",
    "ReferenceStore",
    "ReferenceType",
    "Row",
    "ServerSqliteConfig",
    "SqliteReferenceStore",
    "StaleStoreError",
    "Store",
    "StoreClient",
    "StoreClosedError",
    "StoreConfig",
    "StoreError",
    "StoreFailedError",
    "StoreInUseError",
    "StoreOptions",
    "StoreStatistics",
    "StoredValue",
    "Tier",
    "Totals",
    "ValueRefusedError",
    "ValueTooLargeError",
]
