"""Tally: how many of the messages that many actors share out are still to be handled."""

import trio


class Tally:
    """It starts full, and says when it is empty."""

    def __init__(self, left: int) -> None:
        self.refill(left)

    def refill(self, left: int) -> None:
        self.left = left
        self.empty = trio.Event()

    def mark_off(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.empty.set()
