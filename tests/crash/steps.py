"""A transfer between durable accounts, killed before and after each of its steps: ``python -m tests.crash.steps``.

For each step a process is forked that kills itself there, and another one that goes on with its file; one line is
written for each step. The writer of the database is inline, so that the steps are the same in every run.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgpack
import trio

from actors import open_system
from actors.delivery import RouterRef
from actors.delivery.durability import Durability
from actors.delivery.durable import Outbox, begin
from actors.delivery.exchange import Exchange
from actors.delivery.ledger import Ledger
from actors.sqlite import Database, batch, open_database
from actors.sqlite.writer import Batch
from bank import ACCOUNTS, ONCE, OPENING_BALANCE, Account, Balance, Transfer, bank
from supervision import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

LEFT, RIGHT = ACCOUNTS[:2]

FUNCTIONS: Final[list[Callable[..., Any]]] = [
    RouterRef.send,
    Exchange.offer,
    Durability.run,
    Account.handle_cast,
    Outbox.put,
    Database.append,
    Database.append_all,
    batch.commit,
    Batch.tell,
    Outbox.release,
    begin,
    Ledger.committed,
]
STEPS: Final[dict[CodeType, str]] = {inspect.unwrap(function).__code__: function.__qualname__ for function in FUNCTIONS}
"""The functions before and after which, and around whose waits, the process is killed; and around each statement."""


class Killer:
    """Kills the process at one of the steps, and counts those before it."""

    def __init__(self, last: int) -> None:
        self._left = last

    def look(self, frame: FrameType, event: str, argument: Any) -> None:
        """Take note of what the interpreter begins or ends (`sys.setprofile`)."""
        if event in {"call", "return"}:
            name = STEPS.get(frame.f_code)
        else:
            name = "a statement" if isinstance(getattr(argument, "__self__", None), sqlite3.Connection) else None
        if name is None:
            return
        self._left -= 1
        if self._left < 0:
            os.write(1, f"{event} of {name}".encode())
            os.kill(os.getpid(), signal.SIGKILL)


async def transfer(file: str, killer: Killer | None) -> None:
    """Make the transfer, and write the balances if all goes well."""
    async with open_system() as system:
        await open_database(system, file, inline=True)
        await system.start(Supervisor, bank(file))
        router = RouterRef(system)
        if killer is not None:
            sys.setprofile(killer.look)
        await router.send(LEFT, Transfer(30, RIGHT), ONCE, id="the transfer")
        await router.drained()
        sys.setprofile(None)
        balances = [await system.named(name).call(Balance()) for name in ACCOUNTS]
        os.write(1, json.dumps(balances).encode())


def run(file: str, killer: Killer | None) -> tuple[bool, str]:
    """Make the transfer in a process of its own; return whether that was killed, and what it has written."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.close(writing)
        code = 1
        try:
            trio.run(transfer, file, killer)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        written = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in {0, -signal.SIGKILL}
    return os.WIFSIGNALED(status), written


def total_in(file: str) -> int:
    """Return how much there is on the disk: in the accounts, and on its way between them."""
    with closing(sqlite3.connect(file)) as connection:
        states = connection.execute("SELECT state FROM delivery_states").fetchall()
        bodies = connection.execute("SELECT body FROM delivery_messages").fetchall()
    balances = [msgpack.unpackb(state)["balance"] for (state,) in states]
    messages = [msgpack.unpackb(msgpack.unpackb(body).data) for (body,) in bodies]
    under_way = [fields["amount"] for name, fields in messages if name.endswith("Credit")]
    untouched = [OPENING_BALANCE] * (len(ACCOUNTS) - len(balances))
    return sum(map(int, balances + under_way + untouched))


def main(folder: Path) -> None:
    for step in count():
        file = str(folder / f"{step}.db")
        killed, place = run(file, Killer(step))
        if not killed:
            return
        total = total_in(file)
        again, balances = run(file, None)
        found = json.loads(balances)
        print(json.dumps({"place": place, "again": again, "total": total, "balances": found}), flush=True)  # noqa: T201
        for path in folder.glob(f"{step}.db*"):
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
