"""What `actors check` finds of the libraries that are installed."""

import json
from importlib.metadata import requires

import pytest

from supervision import check


def test_libraries_are_as_new_as_this_library_asks_for_itself() -> None:
    asked = [line for line in requires("trio-actors") or () if ";" not in line]

    assert asked
    assert all(line.count(">=") == 1 and "," not in line for line in asked)


def test_a_library_that_is_too_old_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "version", {"trio-actors": "1.0", "trio": "0.29.9", "attrs": "23.2"}.__getitem__)
    monkeypatch.setattr(check, "requires", lambda _: ["trio>=0.30", "attrs>=23.2.0", "zstd>=9; extra == 'zstd'"])

    with pytest.raises(SystemExit) as ended:
        check.print_findings(None, as_json=True)

    found = {it["about"]: (it["good"], it["says"]) for it in json.loads(capsys.readouterr().out)["findings"]}
    assert found["trio"] == (False, "0.29.9, wanted is >=0.30")
    assert found["attrs"] == (True, "23.2, wanted is >=23.2.0")
    assert ended.value.code == check.FAILED


@pytest.mark.parametrize(
    ("found", "wanted", "enough"),
    [
        ("1.10", ">=1.9", True),
        ("1.2.0", ">=1.2", True),
        ("1.2", ">=1.2.0", True),
        ("1.3.0.post0", ">=1.3", True),
        ("1.2.9", ">=1.3", False),
        ("0.1", "any", True),
    ],
)
def test_versions_are_compared_by_their_numbers(found: str, wanted: str, *, enough: bool) -> None:
    assert check.is_new_enough(found, wanted) == enough
