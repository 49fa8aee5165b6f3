"""Every error of the packages is on the page of errors, as it is.

``python tests/test_errors.py`` rewrites the tables of that page.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import actors
import supervision
from actors import ActorError, OutcomeUnknownError
from actors.errors import CATEGORIES, RECOVERABLE

PAGE = Path(__file__).parent.parent / "docs" / "errors.md"
TITLE = "| error | kind | retryable | |\n|---|---|---|---|\n"
TABLE = re.compile(r"(?<=^## `)(?P<package>[\w.]+)`\n\n" + re.escape(TITLE) + r"(?P<rows>(?:\|.*\n)*)", re.MULTILINE)
KIND = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (yes|no) \|", re.MULTILINE)


def modules_in(package: ModuleType) -> Iterator[str]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2] != "testing" and ".testing." not in found.name:
            yield found.name


def errors_below(base: type[ActorError]) -> Iterator[type[ActorError]]:
    yield base
    for error in base.__subclasses__():
        yield from errors_below(error)


def errors_of_the_packages() -> dict[str, list[type[ActorError]]]:
    """Return the errors by the package whose front door they belong to, in the order in which they are defined."""
    for package in (actors, supervision):
        for name in modules_in(package):
            importlib.import_module(name)
    found: dict[str, list[type[ActorError]]] = {}
    for error in dict.fromkeys(errors_below(ActorError)):
        root, *path = error.__module__.split(".")
        if root in {"actors", "supervision"}:
            found.setdefault(".".join([root, *path[:-1]]), []).append(error)
    for errors in found.values():
        errors.sort(key=lambda error: error.__name__)
    return dict(sorted(found.items()))


def row_of(error: type[ActorError]) -> str:
    assert error.__doc__ is not None
    retryable = "yes" if error.retryable else "no"
    return f"| `{error.__name__}` | `{error.kind}` | {retryable} | {error.__doc__.splitlines()[0]} |\n"


def rewritten(text: str) -> str:
    errors = errors_of_the_packages()

    def rows(match: re.Match[str]) -> str:
        return f"{match['package']}`\n\n{TITLE}{''.join(map(row_of, errors.get(match['package'], [])))}"

    return TABLE.sub(rows, text)


def test_every_error_is_on_the_page_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [table["package"] for table in TABLE.finditer(text)] == list(errors_of_the_packages())
    assert rewritten(text) == text


def test_every_kind_is_on_the_page_with_its_category() -> None:
    before_the_classes = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]

    kinds = {kind: (category, retryable) for kind, category, retryable in KIND.findall(before_the_classes)}

    assert kinds == {kind: (category, "yes" if kind in RECOVERABLE else "no") for kind, category in CATEGORIES.items()}


def test_the_category_follows_from_the_kind() -> None:
    errors = [error for found in errors_of_the_packages().values() for error in found]

    assert len(errors) > 50
    assert [error for error in errors if error.category != CATEGORIES[error.kind]] == []


def test_the_errors_whose_class_knows_better_than_their_kind_are_those_of_the_page() -> None:
    errors = [error for found in errors_of_the_packages().values() for error in found]
    (told,) = re.findall(r"^These know better than their kind: (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)

    better = {error.__name__ for error in errors if error.retryable != (error.kind in RECOVERABLE)}

    assert set(re.findall(r"`(\w+Error)`", told)) == better


def test_an_outcome_that_is_not_known_is_one_error_whichever_service_was_asked() -> None:
    errors = [error for found in errors_of_the_packages().values() for error in found]

    unknown = [error for error in errors if error.__name__ == "OutcomeUnknownError"]

    assert len(unknown) >= 5
    assert all(issubclass(error, OutcomeUnknownError) for error in unknown)


def test_what_was_closed_refuses_with_one_kind_of_error() -> None:
    errors = [error for found in errors_of_the_packages().values() for error in found]

    closed = {error.__name__: error.kind for error in errors if error.__name__.endswith("ClosedError")}

    assert {"BusClosedError", "QueueClosedError", "SharedMemoryClosedError", "StoreClosedError"} <= closed.keys()
    assert set(closed.values()) == {"channel_closed"}


def test_every_error_can_be_imported_from_the_package_it_is_listed_under() -> None:
    hidden = {
        error.__name__
        for package, errors in errors_of_the_packages().items()
        for error in errors
        if not hasattr(importlib.import_module(package), error.__name__)
    }

    assert hidden == {"ProgramError"}  # the command shows it, and nobody else meets it


def test_an_error_of_ones_own_has_what_follows_from_its_kind() -> None:
    class SoldOutError(ActorError):
        """There is no more of it."""

        kind = "mailbox_full"

    class ClosedForGoodError(SoldOutError):
        """There will be no more of it."""

        retryable = False

    assert (SoldOutError.kind, SoldOutError.category, SoldOutError.retryable) == (
        "mailbox_full",
        "resource_limit",
        True,
    )
    assert (ClosedForGoodError.category, ClosedForGoodError.retryable) == ("resource_limit", False)


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match=r"BadError.kind is 'bad'; allowed are agent_not_found, delivery_failed, "):

        class BadError(ActorError):
            """It has no kind."""

            kind = "bad"  # type: ignore[assignment]  # that is the mistake


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
