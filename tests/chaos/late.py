"""A store of a service that takes its time: a kill strikes before, while and after it has stored something."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from actors import ActorSystem


class Late:
    """Any store of a service, but batches are stored some turns of the loop after they were given, and told later.

    As every store promises, nothing is on its way any more once the next incarnation has opened it.
    """

    def __init__(self, store: Any, chance: Random, nursery: trio.Nursery) -> None:
        self._store = store
        self._chance = chance
        self._nursery = nursery
        self._todo: deque[Callable[[], object]] = deque()
        self._at_work = False
        self.prompt = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def open(self, system: ActorSystem) -> int:
        """Finish what is on its way, and open the store."""
        while self._todo:
            self._todo.popleft()()
            await trio.lowlevel.checkpoint()
        epoch: int = await self._store.open(system)
        return epoch

    def commit(self, epoch: int, batch: Any, done: Callable[[Exception | None], None]) -> None:
        """Store *batch* soon, and tell *done* some time after that."""
        told: list[Exception | None] = []

        def tell() -> None:
            if told:
                done(told[0])
            else:
                self._todo.appendleft(tell)

        self._todo += [partial(self._store.commit, epoch, batch, told.append), tell]
        if not self._at_work:
            self._at_work = True
            self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        while self._todo:
            for _ in range(self._chance.randrange(6)):
                await trio.lowlevel.checkpoint()
            if self._todo:
                self._todo.popleft()()
        self._at_work = False
