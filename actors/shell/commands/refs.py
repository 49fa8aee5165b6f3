"""`refs`: what the store of references of a node keeps."""

from __future__ import annotations

from typing import Any, Final

import click

from actors.shell.commands.service import Service, limited, looks_at, sorted_by
from actors.shell.terminal.command_line import examples, fail, print_rows
from actors.shell.terminal.phrases import duration, printable

SHORT: Final = 16
"""So many characters of an id are shown to people."""


@click.command(
    epilog=examples(
        "actors refs --sort size --limit 10",
        "actors refs 3fa9",
        "actors refs --quarantined",
        "actors refs --json | jq '[.references[].stored_bytes] | add'",
    )
)
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--quarantined", is_flag=True, help="Only what is set apart, since it is not what was stored.")
@sorted_by("new", "old", "size", "holders")
@limited
@looks_at("store of references")
def refs(service: Service, id_: str | None, sort: str, limit: int, *, quarantined: bool) -> None:
    """Show the references that the store of a running node keeps: their sizes, how many hold them, until when.

    ID is the beginning of a reference's id; all that is known of a single one is shown.
    """
    rows = service.ask("store.references", id=id_, quarantined=quarantined, order=sort, most=limit)
    totals = service.statistics("store.statistics")
    if id_ is not None and not rows:
        fail(f"no reference in the store begins with {id_!r}; it keeps {totals['references']:,}")
    if service.as_json:
        service.print_json(statistics=totals, references=rows)
        return
    if id_ is not None and len(rows) == 1:
        for title, value in rows[0].items():
            click.echo(f"{title:13} {printable(str('' if value is None else value))}")
        return
    print_rows([_line(row) for row in rows])
    click.echo(
        f"{len(rows):,} shown of {totals['references']:,} in a {totals['kind']} store: {totals['bytes']:,} bytes, "
        f"{totals['stored_bytes']:,} as they are stored; {totals['quarantined']:,} in quarantine, "
        f"{totals['evictions']:,} removed so far"
    )


def _line(row: dict[str, Any]) -> dict[str, Any]:
    expires = row["expires_in"]
    return {
        "id": row["id"][:SHORT],
        "type": row["type"],
        "bytes": row["bytes"],
        "stored": row["stored_bytes"],
        "holders": row["holders"],
        "age": duration(row["seconds"]),
        "expires in": "never" if expires is None else duration(expires) if expires > 0 else "has expired",
        "fault": row["fault"] or "",
    }
