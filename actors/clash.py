"""The guard against other packages of the names of our two, `supervision` and `actors`.

There are distributions that are called so and imported so. pip lets the later one overwrite the earlier one's files
without a word, and removing either deletes what both had.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from importlib.metadata import Distribution

OURS: Final = "trio-actors"
THEIRS: Final = "supervision"
OTHERS: Final = {THEIRS: "Roboflow's", "actors": "another library"}
"""The distributions that are imported by the name of a package of ours, and whose they are."""

PACKAGE: Final = Path(__file__).parent.parent / "supervision"
"""Our package of that name, where it is installed: beside this one."""


@cache
def refuse_a_mixed_install() -> None:
    """Do nothing if our files are ours.

    They are in danger if both distributions are installed in one place, and out of reach if theirs comes first
    on ``sys.path``. Without metadata of ours (a checkout, a vendored copy, most zipped programs) nothing was
    installed over anything, and nothing is refused; nor is a module of one's own that is named supervision.

    Raises ``ImportError``, which names both distributions and says how to keep either.
    """
    for theirs in _seem_installed():
        _refuse_both(theirs)
    if not (PACKAGE / "__init__.py").is_file() and (PACKAGE / "supervisor.py").is_file():
        _refuse_the_remains()


def _seem_installed() -> list[str]:
    """Return of which others some directory of ``sys.path`` seems to hold the metadata.

    Looking for certain takes `importlib.metadata`, which takes ten times as long to import as this to run.
    """
    found: set[str] = set()
    for place in sys.path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208 -- pathlib would make an object of every name
        except OSError:
            continue
        found.update(theirs for theirs in OTHERS if any(name.startswith(f"{theirs}-") for name in names))
    return [theirs for theirs in OTHERS if theirs in found]


def _refuse_both(theirs: str) -> None:
    our, their = _installed(OURS), _installed(theirs)
    if our is None or their is None:
        return
    place, their_place = _place_of(our), _place_of(their)
    if place == their_place:
        fact = f"are both installed in {place}"
    elif _is_found_in(their_place, theirs):
        fact = f"are both installed, and the other one, in {their_place}, comes first on sys.path"
    else:
        return
    raise ImportError(
        f"{OURS} {our.version} and {theirs} {their.version} ({OTHERS[theirs]}) {fact}; both are imported as "
        f"'{theirs}', and each may have overwritten files of the other. Keep one of them.\n"
        f"To keep {OURS}:\n"
        f"  python -m pip uninstall {theirs}\n"
        f"  python -m pip install --force-reinstall --no-deps {_source_of(our)}\n"
        f"To keep {theirs} ({OTHERS[theirs]}):\n"
        f"  python -m pip uninstall {OURS}\n"
        f"  python -m pip install --force-reinstall --no-deps {theirs}",
        name=theirs,
    )


def _refuse_the_remains() -> None:
    ours = _installed(OURS)
    raise ImportError(
        f"{PACKAGE / '__init__.py'} of {OURS} is missing, as after {THEIRS} (Roboflow's), which is imported as "
        f"'{THEIRS}' too, was installed beside {OURS} and then removed. Install {OURS} again:\n"
        f"  python -m pip install --force-reinstall --no-deps {OURS if ours is None else _source_of(ours)}",
        name=THEIRS,
    )


def _installed(distribution: str) -> Distribution | None:
    from importlib import metadata  # noqa: PLC0415 -- costs 10 ms, and is hardly ever needed

    try:
        return metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return None


def _place_of(distribution: Distribution) -> Path:
    return Path(str(distribution.locate_file(""))).resolve()


def _is_found_in(place: Path, package: str) -> bool:
    """Tell whether the import of *package* would find what is in *place*."""
    from importlib.machinery import PathFinder  # noqa: PLC0415 -- as above

    found = PathFinder.find_spec(package)
    return found is not None and found.origin is not None and Path(found.origin).resolve().parent.parent == place


def _source_of(distribution: Distribution) -> str:
    """Return what pip is to install again: what it noted (PEP 610), or the name, if that came from an index."""
    import json  # noqa: PLC0415 -- as above

    noted: dict[str, Any] = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not noted:
        return OURS
    if noted.get("dir_info", {}).get("editable"):
        return f"--editable {noted['url']}"
    vcs = noted.get("vcs_info")
    return noted["url"] if vcs is None else f"{vcs['vcs']}+{noted['url']}@{vcs['commit_id']}"
