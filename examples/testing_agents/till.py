"""The agents that test_till.py tests: a till, which asks a bank for each payment, and adds up what was paid."""

from attrs import frozen

from actors import Actor, Call, Caller, CallTimeoutError, NameRef
from supervision import ChildSpec, SupervisorSpec


@frozen
class Approve(Call[bool]):
    """Asked of the bank: may this be paid?"""

    cents: int


@frozen
class Pay(Call[bool]):
    """Asked of the till: was it paid?"""

    cents: int


@frozen
class Total(Call[int]):
    """Asked of the till: how much was paid?"""


@frozen
class Overdue:
    """Told to whoever watches the till: the bank does not answer."""

    cents: int


class Till(Actor):
    """Takes payments."""

    def __init__(self, bank: NameRef, manager: NameRef) -> None:
        self.bank = bank
        self.manager = manager
        self.cents = 0

    async def handle_call(self, message: Pay | Total, caller: Caller) -> bool | int:
        match message:
            case Pay(cents) if cents <= 0:
                raise ValueError(f"cannot take {cents} cents")
            case Pay(cents):
                try:
                    approved = await self.bank.call(Approve(cents), timeout=30.0)
                except CallTimeoutError:
                    self.manager.cast(Overdue(cents))
                    return False
                self.cents += cents if approved else 0
                return approved
            case Total():
                return self.cents


class Bank(Actor):
    """Approves everything."""

    def handle_call(self, message: Approve, caller: Caller) -> bool:
        return True


def shop(bank: NameRef, manager: NameRef) -> SupervisorSpec:
    """Return the tree: a bank, and a till that comes back when it has crashed."""
    return SupervisorSpec(
        [ChildSpec("bank", Bank, name="bank"), ChildSpec("till", Till, args=(bank, manager), name="till")],
        intensity=10,
        period=60.0,
    )
