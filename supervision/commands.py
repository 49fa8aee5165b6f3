"""The commands of `actors` that need no node: `run`, `check` and `config`.

What they do is imported when one of them is called, for it takes all of the library: those that look at a node do not.
"""

from __future__ import annotations

from typing import Final

import click

from actors.shell.terminal.command_line import examples

LEVELS: Final = ("debug", "info", "warning", "error")


@click.command(
    epilog=examples(
        "actors run shop.py:tree",
        "actors run shop.py:tree --name shop --log-file shop.log",
        "actors run shop.py:tree --config shop.toml",
        "actors run shops.main:tree -- --till 4    what follows -- is for the program",
    )
)
@click.argument("program", metavar="FILE:TREE")
@click.argument("arguments", nargs=-1)
@click.option("--name", help="Name of the node and of the supervisor at its top.")
@click.option("--log-level", type=click.Choice(LEVELS), default="warning", show_default=True, help="Log from here on.")
@click.option("--log-file", type=click.Path(dir_okay=False, writable=True), help="Log to this file, not to stderr.")
@click.option("--config", metavar="FILE", help="Start the services that this file, .toml or .yaml, describes.")
@click.option("--listen/--no-listen", default=True, help="Whether other commands can look at the node.")
def run(program: str, arguments: tuple[str, ...], *, listen: bool, **options: str | None) -> None:
    """Run a supervision tree until it ends or is asked to stop.

    FILE is a Python file, or a module by its dotted name; TREE is a SupervisorSpec in it, or a callable that returns
    one.

    SIGINT (Ctrl-C) or SIGTERM stops the tree in order; a second one kills what still runs. Exit status: 0 if it was
    asked to stop, or stopped by itself; 1 if it gave up or did not start; 2 if there is no such tree, or something is
    wrong with the configuration; 130 or 143 after a second signal; 70 if something that had been killed would not end.
    """
    from supervision.run import run_program  # noqa: PLC0415 -- as the module says

    run_program(program, arguments, listen=listen, **options)


@click.command(epilog=examples("actors check", "actors check --config shop.toml", "actors check --json | jq .good"))
@click.option("--config", metavar="FILE", help="Check this file, .toml or .yaml, and the environment with it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(config: str | None, *, as_json: bool) -> None:
    """Check the environment: libraries, the other package called supervision, the directory of sockets, configuration.

    Nothing is started or opened.

    Exit status: 0 if all is well, 1 if something is not.
    """
    from supervision.check import print_findings  # noqa: PLC0415 -- as above

    print_findings(config, as_json=as_json)


@click.group(epilog=examples("actors config show", "actors config show --config shop.toml --json"))
def config() -> None:
    """Look at the configuration of the services."""


@config.command(
    epilog=examples(
        "actors config show",
        "actors config show --config shop.toml",
        "actors config show --config shop.toml --json | jq '.settings[\"store.path\"].value'",
    )
)
@click.option("--config", "file", metavar="FILE", help="A file, .toml or .yaml; without one, the defaults.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(file: str | None, *, as_json: bool) -> None:
    """Show what is in force, and where each value comes from.

    A variable of the environment wins over the file, and the file over the defaults: ACTORS_STORE__PATH is store.path.
    Nothing is opened. Passwords in addresses are not shown.

    Exit status: 0 if it is shown, 2 if something is wrong with it; then each fault is a line of stderr.
    """
    from supervision.configuration.command import print_configuration  # noqa: PLC0415 -- as above

    print_configuration(file, as_json=as_json)
