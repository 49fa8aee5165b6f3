"""Cases ``child_specs``, ``child_specs_map``, ``sup_flags`` of OTP's supervisor suite: what a specification may say."""

import itertools
import math
import re
from typing import Any, cast

import pytest
from trio.testing import MockClock

from actors import Actor
from supervision import BadSpecError, ChildSpec, Supervisor, SupervisorSpec, start_child
from tests.supervision.workers import supervising


class Till(Actor):
    shutdown = 2.5


TEXT = "a printable str without space around it"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": ""}, f"id is ''; allowed is {TEXT}"),
        ({"id": 7}, f"id is 7; allowed is {TEXT}"),
        ({"id": " a"}, f"id is ' a'; allowed is {TEXT}"),
        ({"actor": "till"}, "actor is 'till'; allowed is a subclass of Actor"),
        ({"actor": Till()}, "allowed is a subclass of Actor"),
        ({"actor": dict}, "actor is <class 'dict'>; allowed is a subclass of Actor"),
        ({"args": [1]}, "args is [1]; allowed is a tuple"),
        ({"args": "abc"}, "args is 'abc'; allowed is a tuple"),
        ({"kwargs": [1]}, "kwargs is [1]; allowed is a mapping whose keys are str"),
        ({"kwargs": {1: 2}}, "kwargs is {1: 2}; allowed is a mapping whose keys are str"),
        ({"name": ""}, f"name is ''; allowed is None or {TEXT}"),
        ({"name": 3}, f"name is 3; allowed is None or {TEXT}"),
        ({"restart": "prmanent"}, "restart is 'prmanent'; allowed is 'permanent', 'transient' or 'temporary'"),
        ({"restart": None}, "restart is None; allowed is 'permanent', 'transient' or 'temporary'"),
        ({"shutdown": -10}, "shutdown is -10; allowed is a number of seconds of 0 or more, math.inf or 'brutal_kill'"),
        ({"shutdown": math.nan}, "shutdown is nan; allowed is a number of seconds"),
        ({"shutdown": True}, "shutdown is True; allowed is a number of seconds"),
        ({"shutdown": "infinity"}, "shutdown is 'infinity'; allowed is a number of seconds"),
        ({"significant": "maybe"}, "significant is 'maybe'; allowed is True or False"),
        ({"significant": 1}, "significant is 1; allowed is True or False"),
    ],
)
def test_child_specs(fields: Any, message: str) -> None:
    """The error names the field, the value and what is allowed."""
    with pytest.raises(BadSpecError, match=re.escape(message)) as caught:
        ChildSpec(**{"id": "till", "actor": Till} | fields)

    assert str(caught.value).startswith("ChildSpec 'till': " if "id" not in fields else "ChildSpec")
    assert caught.value.field in fields
    assert repr(caught.value.value) == repr(fields[caught.value.field])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"strategy": "none_for_one"}, "strategy is 'none_for_one'; allowed is 'one_for_one', 'one_for_all'"),
        ({"intensity": math.inf}, "intensity is inf; allowed is an int of 0 or more"),
        ({"intensity": -1}, "intensity is -1; allowed is an int of 0 or more"),
        ({"intensity": True}, "intensity is True; allowed is an int of 0 or more"),
        ({"intensity": 1.0}, "intensity is 1.0; allowed is an int of 0 or more"),
        ({"period": 0}, "period is 0; allowed is a finite number of seconds above 0"),
        ({"period": math.inf}, "period is inf; allowed is a finite number of seconds above 0"),
        ({"period": "5"}, "period is '5'; allowed is a finite number of seconds above 0"),
        ({"auto_shutdown": "sometimes"}, "auto_shutdown is 'sometimes'; allowed is 'never', 'any_significant'"),
        ({"auto_shutdown": []}, "auto_shutdown is []; allowed is 'never', 'any_significant'"),
        ({"children": 3}, "children is 3; allowed is an iterable of ChildSpec"),
        ({"children": ["hej"]}, "children is ('hej',); allowed is an iterable of ChildSpec"),
    ],
)
def test_sup_flags(fields: Any, message: str) -> None:
    with pytest.raises(BadSpecError, match=re.escape(f"SupervisorSpec: {message}")):
        SupervisorSpec(**fields)


def test_sup_flags_unknown() -> None:
    """OTP ignores flags it does not know; we do not."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'silly_flag'"):
        SupervisorSpec(silly_flag=True)  # type: ignore[call-arg]


def test_the_defaults_are_otps() -> None:
    spec, child = SupervisorSpec(), ChildSpec("a", Actor)

    assert (spec.strategy, spec.intensity, spec.period, spec.auto_shutdown) == ("one_for_one", 1, 5.0, "never")
    assert (child.restart, child.shutdown, child.significant) == ("permanent", 5.0, False)
    assert (child.args, child.kwargs, child.name) == ((), {}, None)


def test_the_time_to_stop_is_by_default_that_of_the_class() -> None:
    assert ChildSpec("a", Till).shutdown == 2.5
    assert ChildSpec("a", Supervisor).shutdown == math.inf
    assert ChildSpec("a", Till, shutdown=0).shutdown == 0


def test_a_specification_cannot_be_changed() -> None:
    given: dict[str, object] = {"price": 3}
    child = ChildSpec("a", Till, kwargs=given)
    given["price"] = 4

    assert child.kwargs == {"price": 3}
    with pytest.raises(AttributeError):
        child.id = "b"  # type: ignore[misc]


def test_duplicate_child_name() -> None:
    with pytest.raises(BadSpecError, match="id is 'a'; allowed is an id that no other child has"):
        SupervisorSpec([ChildSpec("a", Till), ChildSpec("a", Actor)])


MODES = ("never", "any_significant", "all_significant")


@pytest.mark.parametrize(
    ("mode", "restart", "significant", "shutdown"),
    [
        *itertools.product(
            MODES,
            ("permanent", "transient", "temporary"),
            (True, False),
            (0, 1.0, math.inf, "brutal_kill"),
        )
    ],
)
def test_child_specs_map(mode: Any, restart: Any, shutdown: Any, *, significant: bool) -> None:
    """Every combination is good, but for a significant child that is permanent or that nobody looks at."""

    def make() -> SupervisorSpec:
        child = ChildSpec("a", Till, restart=restart, significant=significant, shutdown=shutdown)
        return SupervisorSpec([child], auto_shutdown=mode)

    if significant and (restart == "permanent" or mode == "never"):
        with pytest.raises(BadSpecError, match="significant is True; allowed is False"):
            make()
    else:
        assert make().children[0].shutdown == shutdown


async def test_child_specs_of_start_child(autojump_clock: MockClock) -> None:
    async with supervising() as sup:
        with pytest.raises(BadSpecError, match="StartChild: spec is 'hej'; allowed is a ChildSpec"):
            await start_child(sup, "hej")  # type: ignore[arg-type]
        with pytest.raises(BadSpecError, match="allowed is False under a supervisor whose auto_shutdown is 'never'"):
            await start_child(sup, ChildSpec("a", Till, restart="transient", significant=True))

        assert sup.alive


async def test_a_constructor_may_have_parameters_of_any_name(autojump_clock: MockClock) -> None:
    class Named(Actor):
        def __init__(self, **options: object) -> None:
            self.options = options

        def handle_call(self, message: object, caller: object) -> object:
            return self.options

    options = {"actor": 1, "name": 2, "shutdown": 3, "via": 4, "init_timeout": 5}
    async with supervising() as sup:
        ref = await start_child(sup, ChildSpec("a", Named, kwargs=options))

        assert ref is not None
        assert await ref.call("options", timeout=None) == options


def test_a_whole_tree_in_the_wrong_place_is_named_in_short() -> None:
    pool = SupervisorSpec([ChildSpec(f"till {number}", Actor) for number in range(1000)])

    with pytest.raises(BadSpecError) as refused:
        ChildSpec("pool", cast("Any", pool))

    told = str(refused.value)
    assert told.startswith("ChildSpec 'pool': actor is SupervisorSpec(children=(ChildSpec(id='till 0'")
    assert told.endswith("allowed is a subclass of Actor")
    assert len(told) < 1100
    assert refused.value.value is pool
