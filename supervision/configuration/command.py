"""`actors config show`: what is in force, and where each value comes from."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from actors.config import ConfigError, Layer, without_password
from actors.shell.terminal.command_line import USAGE, print_json
from supervision.configuration.configuration import load_configuration

if TYPE_CHECKING:
    from actors.config import Setting
    from supervision.configuration.configuration import Configuration


def print_configuration(file: str | None, *, as_json: bool) -> None:
    """Print what is in force, or what is wrong with it, and then exit."""
    try:
        found = load_configuration(file)
    except ConfigError as error:
        refuse_configuration(error)
    if as_json:
        print_json({"file": file, "form": found.form, "settings": as_dicts(found)})
        return
    settings = found.settings.values()
    names = max(len(setting.key.name) for setting in settings)
    values = max(len(shown(setting)) for setting in settings)
    for setting in settings:
        click.echo(f"{setting.key.name:{names}}  {shown(setting):{values}}  {setting.origin.text}")


def as_dicts(found: Configuration) -> dict[str, dict[str, Any]]:
    """Return all settings in words for programs."""
    return {name: _as_dict(setting) for name, setting in found.settings.items()}


def _as_dict(setting: Setting) -> dict[str, Any]:
    origin = setting.origin
    told = {"value": _value(setting), "layer": origin.layer.name.lower(), "origin": origin.text}
    return told | ({"line": origin.line} if origin.layer is Layer.FILE else {})


def shown(setting: Setting) -> str:
    """Return the value as TOML has it, or what stands for none."""
    if setting.value is None:
        return "-"
    return json.dumps(_value(setting), ensure_ascii=False)


def _value(setting: Setting) -> Any:
    value = setting.value
    return without_password(value) if isinstance(value, str) else value


def refuse_configuration(error: ConfigError) -> NoReturn:
    """Say what is wrong with the configuration, and exit."""
    for fault in error.faults:
        click.echo(f"actors: {fault}", err=True)
    sys.exit(USAGE)
