"""What a durable actor cannot do is an error that says so, and not a wait without an end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import CallingSelfError
from actors.delivery import DurableActor, Receipt, RouterRef
from tests.actors.delivery.accounts import ONCE
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from tests.actors.delivery.conftest import Run


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Waiting(DurableActor):
    """It waits, in its handler, for what it has sent in it, itself and by another task."""

    def __init__(self, errors: list[str], receipts: list[Receipt]) -> None:
        self._errors = errors
        self._receipts = receipts

    async def handle_cast(self, message: str) -> None:
        receipt = await RouterRef(self.system).send("receiver", message, ONCE)
        self._receipts.append(receipt)
        try:
            await receipt.acknowledged()
        except CallingSelfError as error:
            self._errors.append(str(error))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._wait, receipt)

    async def _wait(self, receipt: Receipt) -> None:
        with pytest.raises(CallingSelfError):
            await receipt.acknowledged()


async def test_a_handler_that_waits_for_what_leaves_after_it_is_told_so(run: Run) -> None:
    errors: list[str] = []
    receipts: list[Any] = []
    notes: list[object] = []
    async with run(receiver=(Receiver, notes), waiting=(Waiting, errors, receipts)) as (_, router):
        with trio.fail_after(5):
            await (await router.send("waiting", "tea", ONCE)).acknowledged()
            await receipts[0].acknowledged()

    assert notes == ["tea"]
    (error,) = errors
    assert error.startswith("<waiting #")
    assert error.endswith(
        "waits for <Receipt of 'tea' to receiver: pending>, which leaves when its handler has returned: for ever"
    )
