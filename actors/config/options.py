"""Options: what a part is made from, with the part's own objections told in the words of the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from actors.config.errors import ConfigError
from actors.config.settings import Setting
from actors.errors import ActorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

OBJECTION: Final = re.compile(r"(?:\w+: )?(?P<field>\w+) (?:of a \w+ )?is (?P<rest>.*)", re.DOTALL)
"""How the parts put it: ``QueueOptions: max_retries is 0; allowed is an int of 1 or more``."""


@attrs.define
class Options:
    """What is made from settings, and the faults that came up; whoever is done asks for `check`."""

    faults: list[str] = attrs.field(factory=list)

    def make(self, part: Callable[..., T], fields: Mapping[str, Any]) -> T | None:
        """Return ``part(**fields)``, with settings by their values, or None if it objects.

        It is asked again without what it objects to, so that all objections are known.
        """
        left = dict(fields)
        objected = False
        while True:
            try:
                made = part(**{field: it.value if isinstance(it, Setting) else it for field, it in left.items()})
            except (ValueError, TypeError, ActorError) as error:
                found = OBJECTION.fullmatch(str(error))
                setting = None if found is None else left.pop(found["field"], None)
                if found is None or not isinstance(setting, Setting):
                    # What fits no better to the defaults than to what was taken out has been told already.
                    self.faults += [] if objected else [str(error)]
                    return None
                objected = True
                self.faults.append(f"{_place(setting, fields)}{setting.key.name} is {found['rest']}")
            else:
                return None if objected else made

    def refuse(self, setting: Setting, why: str) -> None:
        """Note that what a setting says cannot be, as it is."""
        self.faults.append(f"{setting.place}{setting.key.name} is {setting.value!r}; {why}")

    def check(self) -> None:
        """Raise `ConfigError` if there was anything wrong."""
        if self.faults:
            raise ConfigError(self.faults)


def _place(setting: Setting, beside: Mapping[str, Any]) -> str:
    """Return where *setting* was set, or if nowhere, what it does not fit to."""
    settings = [setting, *(it for it in beside.values() if isinstance(it, Setting))]
    return next((it.place for it in settings if it.place), "")
