"""`actors check`: whether nodes can run here as they should."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING, Final, NoReturn

import attrs
import click

from actors.clash import OTHERS, OURS, refuse_a_mixed_install
from actors.config import ConfigError
from actors.shell import DirectoryError, directory
from actors.shell.terminal.command_line import print_json
from supervision.configuration import load_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED: Final = 1


@attrs.frozen
class Finding:
    """What was found of one thing that matters."""

    about: str
    good: bool
    says: str


def print_findings(config: str | None, *, as_json: bool) -> NoReturn:
    """Say what was found, and exit: with 0 if all of it is good."""
    findings = list(all_findings(config))
    good = all(it.good for it in findings)
    if as_json:
        print_json({"good": good, "findings": [attrs.asdict(it) for it in findings]})
    else:
        width = max(len(it.about) for it in findings)
        for it in findings:
            mark = click.style("ok   ", fg="green") if it.good else click.style("WRONG", fg="red")
            click.echo(f"{mark} {it.about:{width}}  {it.says}")
    sys.exit(0 if good else FAILED)


def all_findings(config: str | None) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield Finding("Python", good=True, says=f"{sys.version.split()[0]}, {sys.executable}")
    yield from _libraries()
    yield _clash()
    yield _sockets()
    yield from _configuration(config)


def _libraries() -> Iterator[Finding]:
    """Look for what this library needs; what its metadata say holds for what is installed, not for a checkout."""
    try:
        yield Finding(OURS, good=True, says=version(OURS))
    except PackageNotFoundError:
        yield Finding(OURS, good=True, says="not installed; this is a checkout")
        return
    for requirement in requires(OURS) or ():
        if ";" in requirement:
            continue
        name, wanted = _split(requirement)
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, good=False, says=f"is not installed; wanted is {wanted}")
        else:
            yield Finding(name, good=is_new_enough(found, wanted), says=f"{found}, wanted is {wanted}")


def _split(requirement: str) -> tuple[str, str]:
    """Return the name and the rest.

    >>> _split("trio>=0.30")
    ('trio', '>=0.30')
    """
    length = next((place for place, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement))
    return requirement[:length], requirement[length:].strip() or "any"


def is_new_enough(found: str, wanted: str) -> bool:
    """Compare the numbers of releases; what is wanted is of the form ``>=1.2``, or anything.

    >>> is_new_enough("1.10.0.post1", ">=1.9.2"), is_new_enough("22.2", ">=23"), is_new_enough("3", "any")
    (True, False, True)
    """
    return _release(found) >= _release(wanted.removeprefix(">="))


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [] if found is None else [int(it) for it in found[0].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _clash() -> Finding:
    about = "packages"
    try:
        refuse_a_mixed_install()
    except ImportError as error:
        return Finding(about, good=False, says=str(error))
    return Finding(about, good=True, says=f"{' and '.join(OTHERS)} are this library's alone")


def _sockets() -> Finding:
    try:
        folder = directory.directories()[0]
    except DirectoryError as error:
        return Finding("sockets", good=False, says=str(error))
    try:
        directory.check(folder)
    except FileNotFoundError:
        good = os.access(folder.parent, os.W_OK)
        says = "is made by the first node" if good else "is not there, and cannot be made: nobody can look at a node"
        return Finding("sockets", good=good, says=f"{folder} {says}")
    except DirectoryError as error:
        return Finding("sockets", good=False, says=str(error))
    except OSError as error:
        return Finding("sockets", good=False, says=f"{folder}: {error.strerror}")
    return Finding("sockets", good=True, says=f"{folder}, for this user alone")


def _configuration(file: str | None) -> Iterator[Finding]:
    about = "configuration"
    try:
        found = load_configuration(file)
    except ConfigError as error:
        for fault in error.faults:
            yield Finding(about, good=False, says=str(fault))
        return
    where = "defaults and environment" if file is None else f"{file} and environment"
    yield Finding(about, good=True, says=f"{where}: {len(found.settings)} settings, see actors config show")
