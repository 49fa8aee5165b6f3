"""How a supervision tree is drawn."""

from __future__ import annotations

from typing import Any

import pytest

from actors.shell.terminal.branches import show_tree

NODE = {"name": "shop.7", "actors": 3, "zombies": 0, "up_seconds": 4.0, "stopping": False, "dead_letters": 1}


def told(id_: int, name: str, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an actor as `actors tree` knows it."""
    known = {"id": id_, "name": name, "class": "Till", "child": None, "restarts": 0, "state": "waiting"}
    return known | {"policy": None, "last_failure": None, "children": list(children)} | more


def drawn(capsys: pytest.CaptureFixture[str], *roots: dict[str, Any]) -> list[str]:
    show_tree(NODE, roots)
    return capsys.readouterr().out.splitlines()[1:]


def test_children_hang_below_their_parent_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    pool = told(3, "pool", told(4, "a", told(5, "deep")), told(6, "b"))

    assert drawn(capsys, told(2, "shop", pool, told(7, "till")), told(8, "other")) == [
        "shop #2  Till",
        "├── pool #3  Till",
        "│   ├── a #4  Till",
        "│   │   └── deep #5  Till",
        "│   └── b #6  Till",
        "└── till #7  Till",
        "other #8  Till",
    ]


@pytest.mark.parametrize(
    ("made", "allowed", "said"),
    [
        (0, 1, "0 of 1 restarts in 5.0 s"),
        (1, 50, "1 of 50 restarts in 5.0 s"),
        (1, 1, "1 of 1 restarts in 5.0 s, gives up at the next"),
        (3, 5, "3 of 5 restarts in 5.0 s, 2 more before it gives up"),
        (25, 50, "25 of 50 restarts in 5.0 s, 25 more before it gives up"),
    ],
)
def test_a_supervisor_near_its_limit_says_how_many_restarts_are_left(
    capsys: pytest.CaptureFixture[str], made: int, allowed: int, said: str
) -> None:
    policy = {"strategy": "one_for_one", "restarts": made, "intensity": allowed, "period": 5.0}

    assert drawn(capsys, told(2, "shop", policy=policy)) == [f"shop #2  Till, one_for_one, {said}"]


def test_the_headline_says_whose_dead_letters_it_counts(capsys: pytest.CaptureFixture[str]) -> None:
    show_tree(NODE, [])

    assert capsys.readouterr().out == "node shop.7: 3 actors, up 4.0 s, 1 dead letters of its own\n"
