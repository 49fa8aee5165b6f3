"""HeldCaller: a caller whose answers wait until what its handler has changed is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.caller import Caller
    from actors.delivery.durability import Durability


class HeldCaller:
    """What the handlers of a durable actor are given as their `Caller`; any of them may answer it."""

    def __init__(self, caller: Caller, durability: Durability) -> None:
        self._caller = caller
        self._durability = durability

    def __repr__(self) -> str:
        return repr(self._caller)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._caller, name)

    def reply(self, value: object) -> None:
        """As `Caller.reply`, once the handler's changes are stored."""
        self._answer(lambda: self._caller.reply(value))

    def refuse(self, error: Exception) -> None:
        """As `Caller.refuse`, once the handler's changes are stored."""
        self._answer(lambda: self._caller.refuse(error))

    def _answer(self, answer: Callable[[], None]) -> None:
        outbox = self._durability.outbox
        if outbox is None:
            answer()
        else:
            outbox.answers.append(answer)
