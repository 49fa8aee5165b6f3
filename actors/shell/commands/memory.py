"""`memory`: what the shared memory of a node keeps, and who watches it."""

from __future__ import annotations

from typing import Any, Final

import click

from actors.shell.client.connection import nearest
from actors.shell.commands.service import Service, limited, looks_at, sorted_by
from actors.shell.terminal.command_line import WithDefault, examples, fail, print_rows
from actors.shell.terminal.phrases import duration

NAMESPACES: Final = ("global", "workflow", "swarm", "debate", "session", "agent")


@click.group(
    cls=WithDefault,
    epilog=examples(
        "actors memory",
        "actors memory keys 'draft.*' --namespace session --scope s1",
        "actors memory watchers --json",
    ),
)
def memory() -> None:
    """Show what the shared memory of a running node keeps, and who watches it.

    Without a command, the namespaces are shown: `actors memory namespaces`.
    """


@memory.command(epilog=examples("actors memory", "actors memory namespaces --json"))
@looks_at("shared memory")
def namespaces(service: Service) -> None:
    """Show what each namespace holds, and what was done with it since its store was made."""
    rows = service.ask("memory.namespaces")
    if service.as_json:
        service.print_json(namespaces=rows)
        return
    print_rows([_namespace(it) for it in rows])


def _namespace(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "namespace": it["namespace"],
        "keys": it["key_count"],
        "bytes": it["total_bytes"],
        "reads": it["read_count"],
        "writes": it["write_count"],
        "conflicts": it["conflict_count"],
        "watchers": it["watcher_count"],
        "last": duration(it["accessed_seconds_ago"]),
    }


@memory.command(epilog=examples("actors memory keys", "actors memory keys 'draft.*' --namespace session --sort name"))
@click.argument("pattern", required=False)
@click.option("--namespace", type=click.Choice(NAMESPACES, case_sensitive=False), help="Only those in here.")
@click.option("--scope", metavar="ID", help="Only those of this workflow, swarm, debate, session or agent.")
@sorted_by("updated", "name", "size", "version")
@limited
@looks_at("shared memory")
def keys(
    service: Service, pattern: str | None, namespace: str | None, scope: str | None, sort: str, limit: int
) -> None:
    """Show the keys with their versions, and who wrote each, without what is in them.

    PATTERN is a key, or a pattern such as 'draft.*', which stands for some.
    """
    place = {"namespace": namespace, "scope": scope}
    rows = service.ask("memory.keys", pattern=pattern, order=sort, most=limit, **place)
    if not rows and pattern is not None:
        known = [it["key"] for it in service.ask("memory.keys", order="name", most=1000, **place)]
        fail(f"no key is {pattern!r}{nearest(pattern, known)}")
    service.print_first("keys", rows, _key, limit)


def _key(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "namespace": f"{it['namespace']} {it['scope']}".rstrip(),
        "key": it["key"],
        "version": it["version"],
        "bytes": it["stored_bytes"],
        "by": it["updated_by"],
        "updated": duration(it["updated_seconds_ago"]),
    }


@memory.command(epilog=examples("actors memory watchers", "actors memory watchers --namespace global --json"))
@click.option("--namespace", type=click.Choice(NAMESPACES, case_sensitive=False), help="Only those of this.")
@limited
@looks_at("shared memory")
def watchers(service: Service, namespace: str | None, limit: int) -> None:
    """Show who watches which keys; first those who missed the most changes, since they had no room."""
    rows = service.ask("memory.watchers", namespace=namespace, most=limit)
    service.print_first("watchers", rows, _watcher, limit)


def _watcher(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "namespace": f"{it['namespace']} {it['scope']}".rstrip(),
        "keys": it["keys"],
        "actor": it["owner"] or "a task",
        "room": it["buffer_size"],
        "missed": it["dropped"],
    }
