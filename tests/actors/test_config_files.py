"""Configuration files: what they say, on which line, and what is wrong with them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from actors import ActorError
from actors.config import ConfigError, read_document

if TYPE_CHECKING:
    from pathlib import Path

TOML = """\
# where references are kept
store.path = "a.db"

[gc]
enabled = false   # for now
interval = 60

[policies]
always_value = [
    "control",
    "[gc]",
]
note = '''
interval = 7
'''

[router]
breaker = { enabled = true, probes = 2 }
"""

YAML = """\
# where references are kept
store:
  path: a.db

gc: &collection
  enabled: false   # for now
  interval: 60
policies:
  always_value:
    - control
    - "gc:"
other:
  <<: *collection
  interval: 5
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shop.toml"


def faults_of(name: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read_document(name)
    return caught.value.faults


def test_toml_tells_values_and_lines(file: Path) -> None:
    file.write_text(TOML)

    document = read_document(file)

    assert document.values["gc"] == {"enabled": False, "interval": 60}
    assert document.values["policies"]["always_value"] == ["control", "[gc]"]
    lines = {".".join(path): line for path, line in document.lines.items()}
    assert (lines["store.path"], lines["gc"], lines["gc.enabled"], lines["gc.interval"]) == (2, 4, 5, 6)
    assert (lines["policies.always_value"], lines["policies.note"], lines["router.breaker.probes"]) == (9, 13, 18)


def test_yaml_tells_values_and_lines(file: Path) -> None:
    file.with_suffix(".yaml").write_text(YAML)

    document = read_document("shop.yaml")

    assert document.values["gc"] == {"enabled": False, "interval": 60}
    assert document.values["other"] == {"enabled": False, "interval": 5}
    lines = {".".join(path): line for path, line in document.lines.items()}
    assert (lines["store.path"], lines["gc"], lines["gc.interval"], lines["policies.always_value"]) == (3, 5, 7, 9)
    assert (lines["other.enabled"], lines["other.interval"]) == (6, 14)


def test_both_endings_of_yaml_are_read(file: Path) -> None:
    file.with_suffix(".yml").write_text("gc:\n  interval: 5\n")

    assert read_document("shop.yml").values == {"gc": {"interval": 5}}


@pytest.mark.parametrize(("name", "text"), [("shop.toml", ""), ("shop.yaml", ""), ("shop.yaml", "# nothing\n")])
def test_an_empty_file_says_nothing(name: str, text: str, file: Path) -> None:
    file.with_name(name).write_text(text)

    assert read_document(name).values == {}


def test_a_mark_of_byte_order_and_the_ends_of_lines_of_windows_do_not_matter(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[gc]\r\n\r\ninterval = 5\r\n")

    document = read_document("shop.toml")

    assert (document.values, document.lines["gc", "interval"]) == ({"gc": {"interval": 5}}, 3)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("shop.toml", b"[gc\n", "shop.toml is no TOML: Expected ']' at the end of a table declaration (at line 1,"),
        ("shop.toml", b"a = 1\na = 2\n", "shop.toml is no TOML: Cannot overwrite a value (at line 2,"),
        ("shop.toml", b"\xff", "shop.toml cannot be read: it is no text in UTF-8"),
        ("shop.yaml", b"gc: [1\n", "shop.yaml:2 is no YAML: "),
        ("shop.yaml", b"gc:\n  a: 1\n  b: 2\n  a: 3\n", "shop.yaml:4: gc.a is there already, on line 2"),
        ("shop.yaml", b"a: 1\n---\nb: 2\n", "shop.yaml:2 is no YAML: but found another document"),
        ("shop.yaml", b"a: \x01\n", "shop.yaml is no YAML: "),
        ("shop.yaml", b"a: !!python/name:os.system\n", "shop.yaml:1 is no YAML: could not determine a constructor"),
        ("shop.yaml", b"- gc\n- store\n", "shop.yaml holds a list; a configuration is a mapping of sections"),
        ("shop.ini", b"", "shop.ini: the name of a configuration file ends in .toml, .yaml, .yml"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_file(name: str, content: bytes, fault: str, file: Path) -> None:
    file.with_name(name).write_bytes(content)

    (said,) = faults_of(name)

    assert said.startswith(fault)
    assert "\n" not in said


def test_what_an_alias_makes_endless_is_not_followed(file: Path) -> None:
    file.with_suffix(".yaml").write_text("a: &a\n  b: *a\n")

    assert read_document("shop.yaml").lines["a", "b"] == 2


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    assert faults_of("shop.toml") == ("shop.toml cannot be read: No such file or directory",)


def test_a_folder_is_no_file(file: Path) -> None:
    file.mkdir()

    assert faults_of("shop.toml") == ("shop.toml cannot be read: Is a directory",)


def test_yaml_without_its_library_names_the_extra(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.with_suffix(".yaml").write_text(YAML)
    monkeypatch.setitem(sys.modules, "yaml", None)

    (said,) = faults_of("shop.yaml")

    assert said == (
        "shop.yaml is YAML, and PyYAML is not installed; the extra yaml brings it: "
        "python -m pip install 'trio-actors[yaml]'"
    )


def test_toml_needs_no_library(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(TOML)
    monkeypatch.setitem(sys.modules, "yaml", None)

    assert read_document(file).values["gc"]["interval"] == 60


def test_an_error_has_a_line_for_each_fault_and_no_password() -> None:
    error = ConfigError(["a is\n1", "store.redis_url is 'redis://me:secret@there/0'"])

    assert isinstance(error, ActorError)
    assert str(error) == "a is 1\nstore.redis_url is 'redis://***@there/0'"
    assert not error.retryable


@pytest.mark.parametrize(
    ("name", "said"),
    [("a\0b.toml", r"'a\x00b.toml' cannot be read"), ("a\ud800b.yaml", r"'a\ud800b.yaml' cannot be read")],
)
def test_a_path_that_no_file_can_have_is_named_in_what_can_be_printed(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(name)

    (fault,) = caught.value.faults
    assert fault.startswith(f"{said}: it is no path of a file: ")
    assert fault.isascii()
