"""What is stored before it returns is on the disk by then: a put, a durable send, the answer of a durable actor."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.actors.sqlite.traced import log_between, traced_calls
from tests.crash.stores import TIMES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_nothing_returns_before_the_log_was_written_and_then_synchronised(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.crash.stores", str(tmp_path / "all.db")]

    stores = list(log_between(traced_calls(command, tmp_path / "trace.txt")))

    assert [name for name, _ in stores] == [
        f"{name} {number}" for number in range(TIMES) for name in ("put", "send", "call")
    ]
    assert [store for store in stores if not re.fullmatch("(w+s)+", store[1])] == []
