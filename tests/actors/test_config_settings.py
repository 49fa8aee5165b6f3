"""Settings: which of default, file and variable wins, and what is said of what they may not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.config import Derived, Document, Key, Layer, Options, Settings, gather

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = [
    Key("store.path", "text", default="a.db", stands_for_default=""),
    Key("store.size", "whole", default=5),
    Key("gc.enabled", "flag", default=True),
    Key("gc.interval", "number", default=300.0, stands_for_default=0),
    Key("gc.words", "words", default=("a",)),
    Key("gc.strategy", "text", default="ttl", choices=("ttl", "manual", "any")),
    Key(
        "queue.path",
        "text",
        derive=lambda settings: Derived(settings["store.path"].value, "as store.path"),
        stands_for_default="",
    ),
]


def read(values: Mapping[Any, Any] | None = None, **variables: str) -> Settings:
    document = None if values is None else Document("shop.toml", values, {("store", "path"): 3, ("gc",): 7})
    return gather(KEYS, document, variables, {"old.path": "allowed is nothing any more"})


def values_of(settings: Settings) -> dict[str, object]:
    return {name: setting.value for name, setting in settings.items()}


def test_nothing_said_means_the_defaults() -> None:
    settings = read()

    assert {setting.origin.layer for setting in settings.values()} == {Layer.DEFAULT}
    assert values_of(settings) == {
        "store.path": "a.db",
        "store.size": 5,
        "gc.enabled": True,
        "gc.interval": 300.0,
        "gc.words": ("a",),
        "gc.strategy": "ttl",
        "queue.path": "a.db",
    }


def test_a_file_wins_over_the_defaults_and_says_its_line() -> None:
    settings = read({"store": {"path": "b.db"}, "gc": {"interval": 5, "words": ["b", "c"]}})

    path, interval = settings["store.path"], settings["gc.interval"]
    assert (path.value, path.origin.text, path.origin.line) == ("b.db", "shop.toml:3", 3)
    assert (interval.value, interval.origin.text, interval.origin.line) == (5, "shop.toml", None)
    assert settings["gc.words"].value == ("b", "c")


def test_a_variable_wins_over_the_file() -> None:
    settings = read({"store": {"path": "b.db"}}, ACTORS_STORE__PATH="c.db")

    assert (settings["store.path"].value, settings["store.path"].origin.text) == ("c.db", "ACTORS_STORE__PATH")


def test_a_default_may_depend_on_what_is_in_force() -> None:
    settings = read({"store": {"path": "b.db"}})

    assert (settings["queue.path"].value, settings["queue.path"].origin.text) == ("b.db", "as store.path")


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("ACTORS_STORE__SIZE", " 7 ", "store.size", 7),
        ("ACTORS_GC__INTERVAL", "0.5", "gc.interval", 0.5),
        ("ACTORS_GC__INTERVAL", "1e3", "gc.interval", 1000.0),
        ("ACTORS_GC__ENABLED", "false", "gc.enabled", False),
        ("ACTORS_GC__ENABLED", "No", "gc.enabled", False),
        ("ACTORS_GC__ENABLED", "0", "gc.enabled", False),
        ("ACTORS_GC__ENABLED", "on", "gc.enabled", True),
        ("ACTORS_GC__WORDS", "a, b,c", "gc.words", ("a", "b", "c")),
        ("ACTORS_GC__WORDS", "", "gc.words", ()),
        ("ACTORS_GC__STRATEGY", "manual", "gc.strategy", "manual"),
    ],
)
def test_a_variable_says_what_its_key_can_be(variable: str, text: str, key: str, value: object) -> None:
    assert read(None, **{variable: text})[key].value == value


@pytest.mark.parametrize(
    ("values", "key", "value", "origin"),
    [
        ({"store": {"path": ""}}, "store.path", "a.db", "default, for '' in shop.toml:3"),
        ({"gc": {"interval": 0}}, "gc.interval", 300.0, "default, for 0 in shop.toml"),
        ({"queue": {"path": ""}}, "queue.path", "a.db", "as store.path, for '' in shop.toml"),
    ],
)
def test_some_values_stand_for_the_default(values: Any, key: str, value: object, origin: str) -> None:
    setting = read(values)[key]

    assert (setting.value, setting.origin.text, setting.origin.layer) == (value, origin, Layer.DEFAULT)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"store": {"pth": 1}}, "shop.toml: store.pth is no key of the configuration; did you mean store.path?"),
        ({"stoer": {}}, "shop.toml: stoer is no key of the configuration; did you mean store?"),
        ({"store": {"interval": 1}}, "shop.toml: store.interval is no key of the configuration; did you mean gc.inter"),
        ({"gc": {"zzz": 1}}, "shop.toml: gc.zzz is no key of the configuration; the keys of gc are enabled, interval,"),
        ({"zzz": 1}, "shop.toml: zzz is no key of the configuration; the keys of the configuration are store, gc, que"),
        ({7: 1}, "shop.toml: 7 is no key of the configuration; "),
        ({"gc": 5}, "shop.toml:7: gc is 5; allowed is a section with enabled, interval, words, strategy"),
        ({"store": {"path": 5}}, "shop.toml:3: store.path is 5; allowed is a text"),
        ({"store": {"path": None}}, "shop.toml:3: store.path is None; allowed is a text"),
        ({"store": {"path": {"a": 1}}}, "shop.toml:3: store.path is {'a': 1}; allowed is a text"),
        ({"store": {"size": True}}, "shop.toml: store.size is True; allowed is a whole number"),
        ({"store": {"size": 1.5}}, "shop.toml: store.size is 1.5; allowed is a whole number"),
        ({"gc": {"enabled": "false"}}, "shop.toml: gc.enabled is 'false'; allowed is true or false"),
        ({"gc": {"interval": "5"}}, "shop.toml: gc.interval is '5'; allowed is a number"),
        ({"gc": {"interval": False}}, "shop.toml: gc.interval is False; allowed is a number"),
        ({"gc": {"words": "a"}}, "shop.toml: gc.words is 'a'; allowed is a list of texts"),
        ({"gc": {"words": ["a", 1]}}, "shop.toml: gc.words is ['a', 1]; allowed is a list of texts"),
        ({"gc": {"strategy": "tl"}}, "shop.toml: gc.strategy is 'tl'; allowed is 'ttl', 'manual' or 'any'"),
        ({"old": {"path": "b"}}, "shop.toml: old is no key of the configuration; "),
    ],
)
def test_a_file_that_says_what_it_may_not_is_told_where_and_what_it_may(values: Any, fault: str) -> None:
    (said,) = read(values).faults

    assert said.startswith(fault)


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        ("ACTORS_STORE__PTH", "x", "ACTORS_STORE__PTH is no variable of the configuration; did you mean ACTORS_STORE_"),
        ("ACTORS_STORE_PATH", "x", "ACTORS_STORE_PATH is no variable of the configuration; did you mean ACTORS_STORE_"),
        ("ACTORS_", "x", "ACTORS_ is no variable of the configuration"),
        ("ACTORS_GC__ENABLED", "maybe", "ACTORS_GC__ENABLED: gc.enabled is 'maybe'; allowed is true or false"),
        ("ACTORS_STORE__SIZE", "1.5", "ACTORS_STORE__SIZE: store.size is '1.5'; allowed is a whole number"),
        ("ACTORS_STORE__SIZE", "", "ACTORS_STORE__SIZE: store.size is ''; allowed is a whole number"),
        ("ACTORS_GC__STRATEGY", "x", "ACTORS_GC__STRATEGY: gc.strategy is 'x'; allowed is 'ttl', 'manual' or 'any'"),
        ("ACTORS_OLD__PATH", "x", "ACTORS_OLD__PATH: old.path is 'x'; allowed is nothing any more"),
    ],
)
def test_a_variable_that_says_what_it_may_not_is_told_what_it_may(variable: str, text: str, fault: str) -> None:
    (said,) = read(None, **{variable: text}).faults

    assert said.startswith(fault)


def test_the_value_of_an_unknown_variable_is_not_told() -> None:
    (said,) = read(ACTORS_API_KEY="secret").faults

    assert "secret" not in said


def test_other_variables_are_not_looked_at() -> None:
    assert read(PATH="/bin", XACTORS_STORE__PATH="x", actors_store__path="x").faults == ()


def test_an_empty_section_says_nothing() -> None:
    assert read({"gc": None, "store": {}}).faults == ()


def test_all_faults_are_told() -> None:
    assert len(read({"store": {"pth": 1, "size": "x"}, "gc": 1}, ACTORS_GC__ENABLED="x").faults) == 4


def part(*, first: int = 1, last: int = 10, name: str = "a") -> tuple[int, int, str]:
    if first < 0:
        raise ValueError(f"Part: first is {first}; allowed is an int of 0 or more")
    if name == "":
        raise TypeError("name of a Part is ''; allowed is a text")
    if last < first:
        raise ValueError(f"Part: last is {last}, less than first, which is {first}")
    return first, last, name


def make(**variables: str) -> tuple[tuple[int, int, str] | None, list[str]]:
    keys = [Key("p.low", "whole", default=1), Key("p.high", "whole", default=10), Key("p.name", "text", default="a")]
    settings = gather(keys, None, variables)
    options = Options()
    made = options.make(part, {"first": settings["p.low"], "last": settings["p.high"], "name": settings["p.name"]})
    return made, options.faults


def test_a_part_is_made_from_settings() -> None:
    assert make(ACTORS_P__LOW="5") == ((5, 10, "a"), [])


def test_what_a_part_objects_to_is_told_by_its_key_and_its_place() -> None:
    made, faults = make(ACTORS_P__LOW="-5", ACTORS_P__NAME="")

    assert made is None
    assert faults == [
        "ACTORS_P__LOW: p.low is -5; allowed is an int of 0 or more",
        "ACTORS_P__NAME: p.name is ''; allowed is a text",
    ]


def test_a_default_that_does_not_fit_to_what_was_set_is_told_with_the_place_of_that() -> None:
    _, faults = make(ACTORS_P__LOW="50")

    assert faults == ["ACTORS_P__LOW: p.high is 10, less than first, which is 50"]


def test_what_does_not_fit_is_told_once() -> None:
    _, faults = make(ACTORS_P__LOW="50", ACTORS_P__HIGH="20")

    assert faults == ["ACTORS_P__HIGH: p.high is 20, less than first, which is 50"]
