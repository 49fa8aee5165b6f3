"""`actors config show`, and `actors run` with a configuration, as a person uses them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import attrs
import pytest

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
from actors import NORMAL, Actor, Stop
from actors.store import StoreClient
from supervision import ChildSpec, SupervisorSpec, service_tree

class Till(Actor):
    def init(self):
        self.ref.cast("open")

    async def handle_cast(self, message):
        store = StoreClient(self.system.named("store"))
        await store.store(b"beans")
        print((await store.stats()).active_refs, flush=True)
        return Stop(NORMAL)

till = ChildSpec("till", Till, name="till", restart="temporary", significant=True)
tree = SupervisorSpec([till], auto_shutdown="any_significant")
own = SupervisorSpec([service_tree(), till], auto_shutdown="any_significant")

def made():
    return own
"""

CONFIG = """\
[store]
path = "shop.db"

[gc]
interval = 60
"""


@attrs.frozen
class Finished:
    """What a command did."""

    status: int
    out: str
    err: str


@attrs.frozen
class Desk:
    """A folder with a program and its configuration."""

    folder: Path

    def write(self, text: str, name: str = "shop.toml") -> None:
        (self.folder / name).write_text(text)

    def actors(self, *arguments: str, **variables: str) -> Finished:
        """Run a command to its end."""
        finished = subprocess.run(
            [sys.executable, "-W", "error", "-m", "supervision.command", *arguments],
            cwd=self.folder,
            env=os.environ | {"TRIO_ACTORS_SOCKETS": f"{self.folder}/trio-actors"} | variables,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def shown(self, *arguments: str, **variables: str) -> dict[str, Any]:
        finished = self.actors("config", "show", "--json", *arguments, **variables)
        assert finished.status == 0, finished.err
        settings: dict[str, Any] = json.loads(finished.out)
        return settings


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write(SHOP, "shop.py")
    desk.write(CONFIG)
    return desk


@pytest.mark.slow
def test_show_tells_what_is_in_force_and_where_it_comes_from(desk: Desk) -> None:
    finished = desk.actors("config", "show", "--config", "shop.toml", ACTORS_GC__STRATEGY="ttl")

    lines = [line.split(maxsplit=2) for line in finished.out.splitlines()]
    told = {key: (value, origin) for key, value, origin in lines if key != "policies.always_reference"}
    assert (finished.status, finished.err) == (0, "")
    assert told["store.backend"] == ('"sqlite"', "default")
    assert told["store.path"] == ('"shop.db"', "shop.toml:2")
    assert told["gc.interval"] == ("60", "shop.toml:5")
    assert told["gc.strategy"] == ('"ttl"', "ACTORS_GC__STRATEGY")
    assert told["queue.path"] == ('"shop.db"', "as store.path")
    assert told["router.expires_after"] == ("-", "default")
    assert not (desk.folder / "shop.db").exists()


@pytest.mark.slow
def test_show_tells_the_same_to_programs(desk: Desk) -> None:
    shown = desk.shown("--config", "shop.toml", ACTORS_GC__STRATEGY="ttl", ACTORS_ROUTER__TIMEOUT="inf")

    settings = shown["settings"]
    assert (shown["file"], shown["form"]) == ("shop.toml", "factory")
    assert settings["store.path"] == {"value": "shop.db", "layer": "file", "origin": "shop.toml:2", "line": 2}
    assert settings["gc.strategy"] == {"value": "ttl", "layer": "environment", "origin": "ACTORS_GC__STRATEGY"}
    assert settings["gc.enabled"] == {"value": True, "layer": "default", "origin": "default"}
    assert settings["router.timeout"]["value"] == "infinity"


@pytest.mark.slow
def test_show_tells_the_defaults_of_both_forms(desk: Desk) -> None:
    desk.write("communication:\n", "server.yaml")

    factory, server = desk.shown(), desk.shown("--config", "server.yaml")

    assert (factory["file"], factory["form"], server["form"]) == (None, "factory", "server")
    values = {name: it["value"] for name, it in (factory["settings"] | server["settings"]).items()}
    assert (values["store.path"], values["gc.interval"]) == ("./loom.db", 300)
    assert values["communication.sqlite.path"] == "./data/references.db"
    assert values["communication.sqlite.gc_interval"] == 3600
    assert "store.path" not in server["settings"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("config", "show"), ("run", "shop.py:tree")], ids=" ".join)
def test_each_fault_is_a_line_and_nothing_is_started(arguments: tuple[str, ...], desk: Desk) -> None:
    desk.write('[store]\npth = "shop.db"\nbackend = "redis"\nredis_url = "redis://me:secret@there"\n')

    finished = desk.actors(*arguments, "--config", "shop.toml", ACTORS_GC__ENABLED="maybe")

    assert (finished.status, finished.out) == (2, "")
    assert finished.err.splitlines() == [
        "actors: shop.toml:2: store.pth is no key of the configuration; did you mean store.path?",
        "actors: ACTORS_GC__ENABLED: gc.enabled is 'maybe'; allowed is true or false",
        "actors: shop.toml:3: store.backend is 'redis', which is not implemented yet; allowed is 'sqlite' or 'memory'",
    ]


@pytest.mark.slow
def test_a_file_that_is_not_there_is_one_line(desk: Desk) -> None:
    finished = desk.actors("config", "show", "--config", "shp.toml")

    assert (finished.status, finished.err) == (2, "actors: shp.toml cannot be read: No such file or directory\n")


@pytest.mark.slow
def test_run_starts_the_services_before_the_tree(desk: Desk) -> None:
    finished = desk.actors("run", "shop.py:tree", "--config", "shop.toml")

    assert (finished.status, finished.out, finished.err) == (0, "1\n", "")
    assert (desk.folder / "shop.db").exists()


@pytest.mark.slow
def test_run_lets_variables_win(desk: Desk) -> None:
    finished = desk.actors("run", "shop.py:tree", "--config", "shop.toml", ACTORS_STORE__BACKEND="memory")

    assert (finished.status, finished.out) == (0, "1\n")
    assert not (desk.folder / "shop.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("tree", ["own", "made"])
def test_a_tree_with_services_of_its_own_is_one_line(tree: str, desk: Desk) -> None:
    finished = desk.actors("run", f"shop.py:{tree}", "--config", "shop.toml")

    assert finished.status == 2
    assert finished.err == (
        "actors: the tree has a child 'services' of its own; leave it out, or run it without a configuration\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", ["store", "queue", "delivery"])
def test_a_file_of_a_later_version_is_told_without_a_traceback_and_left_as_it_is(part: str, desk: Desk) -> None:
    assert desk.actors("run", "shop.py:tree", "--config", "shop.toml").status == 0
    with closing(sqlite3.connect(desk.folder / "shop.db")) as file, file:
        file.execute("UPDATE actors_parts SET version = 99 WHERE name = ?", (part,))

    finished = desk.actors("run", "shop.py:tree", "--config", "shop.toml")

    lines = finished.err.splitlines()
    child = "router" if part == "delivery" else part
    fault = (
        f"NewerSchemaError: {desk.folder}/shop.db has version 99 of part '{part}'; this program knows versions up to"
    )
    assert (finished.status, finished.out, len(lines)) == (1, "", 3)
    assert f"<Supervisor #3>: child '{child}' did not start: {fault}" in lines[0]
    assert all(fault in line for line in lines)
    with closing(sqlite3.connect(desk.folder / "shop.db")) as file:
        assert file.execute("SELECT version FROM actors_parts WHERE name = ?", (part,)).fetchone() == (99,)
