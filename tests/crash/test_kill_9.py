"""A process full of actors is killed with SIGKILL at random instants and started again: nothing is lost or doubled.

Each test kills 20 processes. ``CRASH_ROUNDS=200`` in the environment kills that many, in tests of 20 with other seeds.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.crash.audit import check, check_end
from tests.crash.disk import look_at
from tests.crash.log import Log
from tests.crash.post import DELAYED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
ROUNDS: Final = 20
SEEDS: Final = range(max(1, int(os.environ.get("CRASH_ROUNDS", ROUNDS)) // ROUNDS))
PRODUCERS: Final = [f"{kind} {number}" for kind in ("parcels", "letters", "depot") for number in range(4)]


class Post:
    """A file, the processes that open it one after the other, and the parent's log of what they have told."""

    def __init__(self, folder: Path, seed: int, *, killing: bool) -> None:
        self.file = folder / "post.db"
        self.log = Log(folder / "log.txt")
        self.errors = folder / "errors.txt"
        self.chance = random.Random(seed)  # noqa: S311 -- the same instants in every run
        self.killing = killing

    def start(self, *, hours: float, finish: bool) -> subprocess.Popen[str]:
        """Start a process, in which every producer goes on, or which ends when all is handled."""
        orders: dict[str, Any] = {
            "file": str(self.file),
            "seed": self.chance.randrange(1_000_000),
            "hours": hours,
            "killing": self.killing and not finish,
            "next": {} if finish else self.next_numbers(),
        }
        command = [sys.executable, "-W", "error", "-m", "tests.crash.child", json.dumps(orders)]
        with self.errors.open("a") as errors:
            return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)

    def next_numbers(self) -> dict[str, int]:
        """Return what each producer goes on with; every other one does not know what it has sent already."""
        return {name: self.log.next_number(name, again=20 * (place % 2)) for place, name in enumerate(PRODUCERS)}

    def run_and_kill(self, hours: float) -> None:
        """Start a process, and kill it while it starts, or later."""
        with self.start(hours=hours, finish=False) as process:
            assert process.stdout is not None
            if self.chance.random() < 0.8:
                assert self.log.follow(process.stdout, until="running"), self.errors.read_text()
                time.sleep(self.chance.uniform(0.0, 0.4))
            else:
                time.sleep(self.chance.uniform(0.1, 0.6))
            process.kill()
            self.log.follow(process.stdout)
        assert process.returncode == -9, self.errors.read_text()

    def run_to_the_end(self, hours: float) -> None:
        """Start a process that handles what is left."""
        with self.start(hours=hours, finish=True) as process:
            assert process.stdout is not None
            assert self.log.follow(process.stdout, until="idle"), self.errors.read_text()
        assert process.returncode == 0, self.errors.read_text()


@pytest.fixture
def post(tmp_path: Path, seed: int, *, killing: bool) -> Iterator[Post]:
    post = Post(tmp_path, seed, killing=killing)
    yield post
    post.log.close()


@pytest.mark.slow
@pytest.mark.parametrize("killing", [False, True], ids=["process", "process-and-actors"])
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_doubled_however_often_the_process_is_killed(post: Post) -> None:
    for hours in (0.0, 1.0):
        for _ in range(ROUNDS // 2):
            post.run_and_kill(hours)
            check(post.log, look_at(post.file))
        assert any(map(is_late, handled(post.log))) == (hours > 0)
    post.run_to_the_end(hours=2.0)

    check_end(post.log, look_at(post.file))
    assert all(len(post.log.accepted[name]) > ROUNDS for name in PRODUCERS)
    assert post.errors.read_text() == ""
    assert (post.log.killed > ROUNDS) == post.killing


def handled(log: Log) -> set[tuple[str, int]]:
    """Return which parcels have come to their first station."""
    return {(name, number) for name in PRODUCERS for number in log.handled[f"{name}/0"]}


def is_late(parcel: tuple[str, int]) -> bool:
    """Tell whether *parcel* is one of those that are sent with a delay, before the hour has passed."""
    name, number = parcel
    return name.startswith("parcels") and number % DELAYED == 0
