"""`top`: the actors of a node, live."""

from __future__ import annotations

import sys

import click

from actors.shell.client.aim import Aim
from actors.shell.client.connection import DEFAULT_SECONDS
from actors.shell.terminal.command_line import SECONDS, USAGE, Seconds, examples, fail
from actors.shell.terminal.needed import at_terminal, need_prompt_toolkit
from actors.shell.terminal.orders import ORDERS


@click.command(epilog=examples("actors top", "actors top --sort mailbox --interval 5", "actors top --node shop"))
@click.option("--node", metavar="NAME", help="The node, with or without its number; not needed if one runs.")
@click.option("--sort", type=click.Choice(list(ORDERS)), default="throughput", show_default=True, help="What is first.")
@click.option(
    "--interval",
    type=Seconds(min=0.1, max=60),
    default=1.0,
    show_default=True,
    help="Look again after so many seconds; a look takes a fifth of the time at most.",
)
@click.option(
    "--seconds",
    type=SECONDS,
    default=DEFAULT_SECONDS,
    show_default=True,
    help="Wait so long for the node.",
)
def top(node: str | None, sort: str, interval: float, seconds: float) -> None:
    """Show what the actors of a running node do, live.

    Throughput and mailbox depth are drawn as they went at the latest looks. The keys t, m, h, w, b, a and n sort by
    throughput, mailbox, handled, wait, busy, age and name; r reverses, arrows and page keys scroll, space holds the
    picture still, q or Ctrl-C ends. A node that ends is waited for, and looked at again if it is started again.

    Exit status: 1 if there is no such node, 2 if this is no terminal.
    """
    if not at_terminal():
        fail("top needs a terminal; `actors ps` prints the same once", USAGE)
    need_prompt_toolkit("top")
    aim = Aim(node)
    aim.find()
    from actors.shell.terminal.screen import Screen  # noqa: PLC0415 -- only this command needs prompt-toolkit, which takes a while

    status = Screen(aim, seconds, interval, sort).run()
    if status:
        sys.exit(status)
