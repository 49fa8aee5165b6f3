"""Key: one thing that a configuration can say, and the forms in which files and variables say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.config.settings import Setting

Kind: TypeAlias = Literal["text", "flag", "whole", "number", "words"]

FORMS: Final[Mapping[Kind, str]] = {
    "text": "a text",
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "words": "a list of texts",
}
FORMS_OF_VARIABLES: Final[Mapping[Kind, str]] = {**FORMS, "words": "texts with commas between them"}

PREFIX: Final = "ACTORS_"

FLAGS: Final = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def variable_of(name: str) -> str:
    """Return the environment variable for the key or the section of a name.

    >>> variable_of("communication.sqlite.gc_interval")
    'ACTORS_COMMUNICATION__SQLITE__GC_INTERVAL'
    """
    return PREFIX + name.upper().replace(".", "__")


@attrs.frozen
class Derived:
    """What a key is by default where that depends on others."""

    value: object
    reason: str
    """Such as: as store.path."""


@attrs.frozen
class Key:
    """One thing that a configuration can say."""

    name: str
    """The sections that it is in, and its own name, with dots between them."""
    kind: Kind
    default: object = attrs.field(default=None, kw_only=True)
    """None: what is left out is left to the part that it is meant for."""
    derive: Callable[[Mapping[str, Setting]], Derived] | None = attrs.field(default=None, kw_only=True)
    """What tells the default from what the keys before this one are."""
    stands_for_default: object = attrs.field(default=None, kw_only=True)
    """A value that means the default."""
    choices: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    """The texts that are allowed; none for any, or for what the part allows."""

    @property
    def path(self) -> tuple[str, ...]:
        """The keys of a file that lead to it."""
        return tuple(self.name.split("."))

    @property
    def variable(self) -> str:
        """The environment variable."""
        return variable_of(self.name)

    def allowed(self, forms: Mapping[Kind, str] = FORMS) -> str:
        """Tell what is allowed, as far as that is known here."""
        if self.choices:
            return f"{', '.join(map(repr, self.choices[:-1]))} or {self.choices[-1]!r}"
        return forms[self.kind]

    def accepts(self, value: Any) -> bool:
        """Tell whether *value* is of the kind."""
        match self.kind:
            case "text":
                return isinstance(value, str) and (not self.choices or value in self.choices)
            case "flag":
                return isinstance(value, bool)
            case "whole":
                return isinstance(value, int) and not isinstance(value, bool)
            case "number":
                return isinstance(value, int | float) and not isinstance(value, bool)
            case "words":
                return isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)

    def parse(self, text: str) -> object:
        """Return the value that a variable means. Raises ``ValueError``.

        >>> Key("gc.enabled", "flag").parse("off"), Key("policies.always_value", "words").parse("control, health")
        (False, ('control', 'health'))
        """
        value: object = text
        match self.kind:
            case "flag":
                value = FLAGS.get(text.strip().lower())
            case "whole":
                value = int(text)
            case "number":
                value = float(text)
            case "words":
                value = tuple(word for part in text.split(",") if (word := part.strip()))
        if not self.accepts(value):
            raise ValueError(text)
        return value
