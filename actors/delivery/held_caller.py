"""HeldCaller: a caller whose answers wait until what its handler has changed is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.caller import Caller


class HeldCaller:
    """What the handlers of a durable actor are given as their `Caller`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._answers: list[Callable[[], None]] | None = []
        """What was answered before the handler has returned; None afterwards."""

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

    def release(self) -> None:
        """Let go what was answered."""
        answers, self._answers = self._answers, None
        for answer in answers or ():
            answer()

    def _answer(self, answer: Callable[[], None]) -> None:
        if self._answers is None:
            answer()
        else:
            self._answers.append(answer)
