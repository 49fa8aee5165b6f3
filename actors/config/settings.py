"""Settings: what is in force, key by key, and where each value comes from."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from actors.config.key import FORMS_OF_VARIABLES, PREFIX, variable_of
from actors.show import shown

if TYPE_CHECKING:
    from actors.config.document import Document
    from actors.config.key import Key

Refused: TypeAlias = Mapping[str, str]
"""By the names of keys that would otherwise be known, why they are not allowed here."""


class Layer(enum.IntEnum):
    """Where values come from; a later one wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2


@attrs.frozen
class Origin:
    """Where one value comes from."""

    layer: Layer
    text: str
    """As ``shop.toml:3``, ``ACTORS_STORE__PATH`` or ``default``."""
    line: int | None = None


@attrs.frozen
class Setting:
    """What one key is, and why."""

    key: Key
    value: Any
    origin: Origin

    @property
    def place(self) -> str:
        """What a fault begins with: where the value was set, if anywhere."""
        return f"{self.origin.text}: " if self.origin.layer else ""


class Settings(Mapping[str, Setting]):
    """All keys, with what each is."""

    def __init__(self, settings: Iterable[Setting], document: Document | None, faults: Iterable[str]) -> None:
        self._settings = {setting.key.name: setting for setting in settings}
        self.document = document
        self.faults = tuple(faults)
        """What is wrong so far; a key that is set wrongly is as if it were not set."""

    def __getitem__(self, name: str) -> Setting:
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)


def gather(
    keys: Iterable[Key], document: Document | None, environ: Mapping[str, str], refused: Refused | None = None
) -> Settings:
    """Return what each of *keys* is: by a variable, or else by the file, or else by default."""
    return _Gathering(tuple(keys), document, refused or {}).run(environ)


class _Gathering:
    """Settings on their way, and the faults that were found."""

    def __init__(self, keys: tuple[Key, ...], document: Document | None, refused: Refused) -> None:
        self.keys = {key.name: key for key in keys}
        self.sections = {key.path[:depth] for key in keys for depth in range(len(key.path))}
        self.document = document
        self.refused = refused
        self.found: dict[str, Setting] = {}
        self.faults: list[str] = []

    def run(self, environ: Mapping[str, str]) -> Settings:
        if self.document is not None:
            self._read_section(self.document, self.document.values, ())
        self._read_environment(environ)
        settings: dict[str, Setting] = {}
        for key in self.keys.values():
            settings[key.name] = self._in_force(key, settings)
        return Settings(settings.values(), self.document, self.faults)

    def _read_section(self, document: Document, values: Mapping[Any, Any], above: tuple[str, ...]) -> None:
        for word, value in values.items():
            path = (*above, str(word))
            name = ".".join(path)
            line = document.lines.get(path)
            where = document.name if line is None else f"{document.name}:{line}"
            if isinstance(word, str) and path in self.sections:
                if isinstance(value, dict):
                    self._read_section(document, value, path)
                elif value is not None:
                    inside = ", ".join(self._names_in(path))
                    self.faults.append(f"{where}: {name} is {shown(value)}; allowed is a section with {inside}")
            elif isinstance(word, str) and name in self.keys:
                self._set(self.keys[name], value, Origin(Layer.FILE, where, line))
            else:
                self.faults.append(f"{where}: {self._unknown(name, value, self._names_in(above), self.keys)}")

    def _set(self, key: Key, value: Any, origin: Origin) -> None:
        if key.accepts(value):
            value = tuple(value) if key.kind == "words" else value
            self.found[key.name] = Setting(key, value, origin)
        else:
            self.faults.append(f"{origin.text}: {key.name} is {shown(value)}; allowed is {key.allowed()}")

    def _read_environment(self, environ: Mapping[str, str]) -> None:
        variables = {key.variable: key for key in self.keys.values()}
        refused = {variable_of(name): name for name in self.refused}
        for variable in sorted(name for name in environ if name.startswith(PREFIX)):
            text = environ[variable]
            key = variables.get(variable)
            if variable in refused:
                self.faults.append(f"{variable}: {self._unknown(refused[variable], text, (), ())}")
                continue
            if key is None:
                self.faults.append(f"{variable} is no variable of the configuration{_nearest(variable, variables)}")
                continue
            try:
                value = key.parse(text)
            except ValueError:
                allowed = key.allowed(FORMS_OF_VARIABLES)
                self.faults.append(f"{variable}: {key.name} is {shown(text)}; allowed is {allowed}")
            else:
                self.found[key.name] = Setting(key, value, Origin(Layer.ENVIRONMENT, variable))

    def _in_force(self, key: Key, settings: Mapping[str, Setting]) -> Setting:
        """Return what *key* is; those before it are settled already."""
        setting = self.found.get(key.name)
        means_default = setting is not None and key.stands_for_default is not None
        if setting is not None and not (means_default and setting.value == key.stands_for_default):
            return setting
        derived = None if key.derive is None else key.derive(settings)
        value = key.default if derived is None else derived.value
        reason = "default" if derived is None else derived.reason
        if setting is not None:
            reason = f"{reason}, for {setting.value!r} in {setting.origin.text}"
        return Setting(key, value, Origin(Layer.DEFAULT, reason))

    def _names_in(self, section: tuple[str, ...]) -> list[str]:
        """Return what may stand in a section."""
        depth = len(section)
        return list(dict.fromkeys(key.path[depth] for key in self.keys.values() if key.path[:depth] == section))

    def _unknown(self, name: str, value: object, here: Iterable[str], everywhere: Iterable[str]) -> str:
        if name in self.refused:
            return f"{name} is {shown(value)}; {self.refused[name]}"
        section, _, word = name.rpartition(".")
        near = get_close_matches(word, list(here), n=1)
        meant = [f"{section}.{near[0]}" if section else near[0]] if near else get_close_matches(name, everywhere, n=1)
        if not meant:
            meant = [known for known in everywhere if known.rpartition(".")[2] == word]
        if meant:
            return f"{name} is no key of the configuration; did you mean {' or '.join(meant)}?"
        of = f"of {section}" if section else "of the configuration"
        return f"{name} is no key of the configuration; the keys {of} are {', '.join(here)}"


def _nearest(name: str, names: Iterable[str]) -> str:
    known = list(names)
    near = get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f", as {known[0]} is; their names begin with {PREFIX}"
