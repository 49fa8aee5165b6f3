"""A printer that jams: what is sent through the router is printed all the same, and no order is printed twice."""

import logging
from typing import ClassVar

import trio

from actors import Actor, open_system
from actors.delivery import DeliveryFailedError, DeliveryOptions, Guarantee, Router, RouterConfig, RouterRef
from supervision import ChildSpec, Supervisor, SupervisorSpec


class Printer(Actor):
    """It jams at the first page of a job; the next incarnation gets it printed."""

    jammed: ClassVar[set[str]] = set()

    def handle_cast(self, page: str) -> None:
        if page.startswith("job") and page not in self.jammed:
            self.jammed.add(page)
            raise RuntimeError("paper jam")
        if page == "crumpled":
            raise RuntimeError("paper jam")
        print(f"  printed {page}")


OFFICE = SupervisorSpec(
    [
        ChildSpec("router", Router, args=(RouterConfig(retry_delay=0.01),), name="router"),
        ChildSpec("printer", Printer, name="printer"),
    ],
    intensity=100,
)


async def main() -> None:
    logging.disable()  # each jam would be shown with its traceback
    async with open_system() as system:
        await system.start(Supervisor, OFFICE)
        router = RouterRef(system)

        print("at least once:")
        receipt = await router.send("printer", "job 1")
        await receipt.acknowledged()
        print(f"  handled at attempt {receipt.attempts}, after {receipt.faults[0].reason}")

        print("exactly once, by an order that is given twice:")
        options = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)
        for _ in range(2):
            receipt = await router.send("printer", "invoice 7", options, id="invoice 7")
            await receipt.acknowledged()

        print("what cannot be done:")
        receipt = await router.send("printer", "crumpled")
        try:
            await receipt.acknowledged()
        except DeliveryFailedError as error:
            print(f"  {error}")
        for letter in router.dead_letters:
            router.dead_letters.discard(letter)

        done = router.statistics()
        print(f"{done.acknowledged} of {done.routed} handled, {done.retries} retries, {done.failed} failed")


if __name__ == "__main__":
    trio.run(main)
