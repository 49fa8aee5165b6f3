"""The commands that hold an actor still, look into it, end it or restart it."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from actors.shell.errors import LiteralError
from actors.shell.terminal.command_line import SECONDS, USAGE, connect, examples, fail, of_actor, print_json, within
from actors.shell.terminal.literals import parse_message
from actors.shell.terminal.phrases import duration, moment, printable


@click.command(
    epilog=examples(
        "actors state till",
        "actors state till --json | jq .state.sold",
        "actors state till --set sold=0 --set 'prices={\"bread\": 3}'",
    )
)
@of_actor
@click.option("--set", "changes", multiple=True, metavar="ATTRIBUTE=VALUE", help="Give an attribute this value first.")
@within
def state(
    name: str, changes: tuple[str, ...], timeout: float, node: str | None, seconds: float, *, as_json: bool
) -> None:
    """Show the state of an actor, and change it.

    What is shown is what its format_status shows. It is looked at, and changed, between two messages. VALUE is written
    as a MESSAGE of `actors cast`; only attributes that are there can be set, all of them or none.
    """
    new = dict(_change(text) for text in changes)
    with connect(node, seconds) as connection:
        [row] = connection.ask("state", wait=timeout, name=name, set=new, timeout=timeout).rows
    if as_json:
        print_json(row)
        return
    click.echo(printable(f"{row['actor']} {row['class']}, {row['doing']}"))
    shown = row["state"]
    if not isinstance(shown, dict):
        click.echo(f"  {printable(json.dumps(shown, ensure_ascii=False))}")
        return
    for attribute, value in shown.items():
        click.echo(f"  {printable(attribute)} = {printable(json.dumps(value, ensure_ascii=False))}")


def _change(text: str) -> tuple[str, Any]:
    attribute, equals, value = text.partition("=")
    if not equals or not attribute.isidentifier():
        fail(f"--set {text}: it is written ATTRIBUTE=VALUE", USAGE)
    try:
        return attribute, parse_message(value)
    except LiteralError as error:
        fail(f"--set {attribute}: {error}", USAGE)


@click.command(epilog=examples("actors trace till", "actors trace till --for 60 --json"))
@of_actor
@click.option(
    "--for",
    "timeout",
    type=SECONDS,
    default=10.0,
    show_default=True,
    help="Trace for so many seconds.",
)
def trace(name: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Show what an actor is given and what comes of it, as it happens.

    Messages, replies and reasons are shown as its format_status shows them. It is traced for as long as this runs;
    Ctrl-C ends it. What an actor that is traced already has noted is shown first. Where events come faster than 200 in
    0.1 s, the earlier ones are lost, and their number is told. With --json each event is a line.
    """
    with connect(node, seconds) as connection:
        began = False
        try:
            # The node says something at each look, so that one which says nothing for --seconds is blocked.
            for rows in connection.follow("trace", name=name, timeout=timeout):
                if not began:
                    click.echo(printable(f"tracing {name} for {timeout:g} s"), err=True)
                    began = True
                for row in rows:
                    click.echo(json.dumps(row) if as_json else _event(row))
        except KeyboardInterrupt:
            return


ENDS: Final = {
    "exit": "it exited: {}",
    "lost": "lost {} events, which came faster than they are looked at",
    "ended": "{}",
}
"""What is told beside events, by its kind."""


def _event(row: dict[str, Any]) -> str:
    if row["kind"] in ENDS:
        return printable(ENDS[row["kind"]].format(row["content"]))
    arriving = row["kind"] in {"call", "cast", "info", "timeout", "continue"}
    peer = "" if row["peer"] is None else f" {'from' if arriving else 'to'} {row['peer']}"
    took = "" if row["seconds"] is None else f" after {duration(row['seconds'])}"
    way = "in " if arriving else "out"
    return printable(f"{moment(row['time'])} {way} {row['kind']} {row['content']}{peer}{took}")


@click.command(epilog=examples("actors suspend till", "actors suspend till --timeout 30"))
@of_actor
@within
def suspend(name: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Have an actor handle no messages until `actors resume`; what is sent to it waits."""
    _act("suspend", name, timeout, (node, seconds), as_json=as_json)


@click.command(epilog=examples("actors resume till"))
@of_actor
@within
def resume(name: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Let a suspended actor go on."""
    _act("resume", name, timeout, (node, seconds), as_json=as_json)


@click.command(epilog=examples("actors stop till", "actors stop '#17' --timeout 60"))
@of_actor
@within
def stop(name: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Have an actor shut down once it has handled what waits.

    A supervisor starts a permanent child again, and no other.
    """
    _act("stop", name, timeout, (node, seconds), as_json=as_json)


@click.command(epilog=examples("actors kill till", "actors kill '#17' --json"))
@of_actor
@within
def kill(name: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Kill an actor: its handler is cancelled, and its terminate does not run.

    Its supervisor takes it for a failure, which counts against its intensity.
    """
    _act("kill", name, timeout, (node, seconds), as_json=as_json)


@click.command(epilog=examples("actors restart till"))
@of_actor
@within
def restart(name: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Have the supervisor of an actor stop it and start it again, which counts as no failure.

    Children of a DynamicSupervisor are restarted only if they fail: for those, use `actors kill`.
    """
    _act("restart", name, timeout, (node, seconds), as_json=as_json)


def _act(word: str, name: str, timeout: float, where: tuple[str | None, float], *, as_json: bool) -> None:
    """Do what *word* says to an actor, and say what became of that."""
    with connect(*where) as connection:
        [row] = connection.ask(word, wait=timeout + 1, name=name, timeout=timeout).rows
    if as_json:
        print_json(row)
    else:
        click.echo(printable(f"{row['actor']} {row['did']}"))
