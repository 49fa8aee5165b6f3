"""``python -m tests.benchmarks.agents [ROUNDS]``: what it costs to decide how data goes, and to send and receive it.

The data has 100 bytes as JSON, and goes by value. What a message costs from `compose` to `receive` is compared with the
same JSON written and read alone, in turns; so are the checksums, which are made once and verified once. What the router
adds is measured by `make bench`. Microseconds each: medians of many short turns, and the least, which is what it costs
when nobody else is at work; of several rounds, each in a process of its own, the medians of both.
"""

from __future__ import annotations

import sys
from functools import partial
from hashlib import sha256
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import trio

from actors import open_system
from actors.agent import Agent
from actors.agent.json_text import data_of, json_of
from actors.store import MemoryReferenceStore, PolicyManager, Store
from tests.benchmarks.measure import publish
from tests.benchmarks.rounds import measured, say
from tests.benchmarks.tables import in_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.measure import Figures

SIZE: Final = 100
DATA: Final = {"text": "x" * (SIZE - len('{"text":"","number":12345}')), "number": 12345}
EACH: Final = 100
TURNS: Final = 500
TYPES: Final = ("tool_result", "session_state", "control")

LEAST: Final = ", least"
LIMITS: Final = {"decision": 2.0, "above the serialisation": 3.0}


def seconds_of(function: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    begin = perf_counter()
    for _ in range(EACH):
        function()
    return (perf_counter() - begin) / EACH


async def seconds_of_messages(agent: Agent) -> float:
    """Return the seconds that a message takes to be made and read."""
    begin = perf_counter()
    for _ in range(EACH):
        await agent.receive(await agent.compose("till", "tool_result", DATA))
    return (perf_counter() - begin) / EACH


async def figures() -> Figures:
    """Measure everything in turns."""
    policies = PolicyManager()
    text = json_of(DATA)
    assert len(text) == SIZE
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds * 1e6)

    async with open_system() as system:
        await system.start(Store, MemoryReferenceStore(), name="store")
        agent: Any = (await system.start(Agent, name="desk", store="store", policies=policies))._process.actor
        for _ in range(TURNS):
            for kind in TYPES:
                note(f"decision, {kind}", seconds_of(partial(policies.by_reference, kind, SIZE)))
            bare = seconds_of(lambda: data_of(json_of(DATA), ""))
            checksums = 2 * seconds_of(lambda: sha256(text).hexdigest())
            whole = await seconds_of_messages(agent)
            note("serialisation alone", bare)
            note("two checksums", checksums)
            note("message", whole)
            note("above the serialisation", whole - bare - checksums)
    least = {name: min(samples) for name, samples in found.items()}
    above = least["message"] - least["serialisation alone"] - least["two checksums"]
    least["above the serialisation"] = above
    medians = {name: median(samples) for name, samples in found.items()}
    return medians | {f"{name}{LEAST}": figure for name, figure in least.items()}


def tables(rounds: int) -> str:
    """Measure so many times, and return the table."""
    samples: list[Figures] = []
    for number in range(rounds):
        samples.append(measured([sys.executable, "-m", "tests.benchmarks.agents", "--json"]))
        say(f"round {number + 1} of {rounds}")
    middle = {name: median(sample[name] for sample in samples) for name in samples[0]}
    return f"Data of {SIZE} bytes by value, microseconds each.\n\n{table(middle)}"


def table(found: Figures) -> str:
    """Return *found* beside what it should be under."""
    rows = []
    for name in found:
        if not name.endswith(LEAST):
            limit = LIMITS.get(name.partition(",")[0])
            goal = "" if limit is None else f"under {limit:g}"
            rows.append([name, f"{found[name]:.2f}", f"{found[name + LEAST]:.2f}", goal])
    return in_columns(["", "median", "least", "goal"], rows)


if __name__ == "__main__":
    if "--json" in sys.argv:
        publish(trio.run(figures))
    sys.stdout.write(tables(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
