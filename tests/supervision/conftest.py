"""What the tests of supervisors share."""

import pytest

from tests.supervision.workers import AsyncWorker, SyncWorker, Worker


@pytest.fixture(params=[SyncWorker, AsyncWorker], ids=["def", "async"])
def worker(request: pytest.FixtureRequest) -> type[Worker]:
    """Return a class of children, of each kind of handlers in turn."""
    kind: type[Worker] = request.param
    return kind
