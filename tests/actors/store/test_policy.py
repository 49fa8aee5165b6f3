"""What goes by reference is decided by type and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.store import policy
from actors.store.policy import AutoPromote, Override, OverrideKind, Policy, PolicyManager, Tier

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 10_241


@pytest.mark.parametrize("kind", ["session_state", "workflow_context", "collaboration_state"])
def test_state_goes_by_reference_however_small_it_is(kind: str) -> None:
    """L-POL-9, X7."""
    assert PolicyManager().by_reference(kind, 1)


@pytest.mark.parametrize("kind", ["control", "pattern_ref"])
def test_control_goes_by_value_however_large_it_is(kind: str) -> None:
    """L-POL-9, X7."""
    assert not PolicyManager().by_reference(kind, 2**30)


def test_the_rest_is_promoted_strictly_above_the_threshold() -> None:
    """L-POL-6, 8, X1."""
    assert [PolicyManager().by_reference("note", size) for size in (10_240, LARGE)] == [False, True]


def test_an_unspecified_tier_is_the_second() -> None:
    """L-POL-1."""
    manager = PolicyManager(Policy(Tier.UNSPECIFIED))

    assert [manager.by_reference("note", size) for size in (10_240, LARGE)] == [False, True]


def test_promotion_that_is_off_leaves_everything_by_value() -> None:
    """L-POL-7, X1b: the original promoted above 1,024 bytes all the same."""
    manager = PolicyManager.from_config(AutoPromote(enabled=False))

    assert not manager.by_reference("note", 2**30)


@given(st.sampled_from(Tier), st.integers(0, 2**40))
def test_an_override_wins_unless_it_is_unspecified(tier: Tier, size: int) -> None:
    """L-POL-4, 5: the original took an unspecified one as one that forces a value."""
    plain = Policy(tier).by_reference("note", size)

    def overridden(kind: OverrideKind) -> bool:
        return Policy(tier, overrides={"note": Override(kind, "why")}).by_reference("note", size)

    assert overridden(OverrideKind.FORCE_REFERENCE)
    assert not overridden(OverrideKind.FORCE_VALUE)
    assert overridden(OverrideKind.UNSPECIFIED) is plain


def test_a_threshold_of_zero_promotes_all_that_is_not_empty() -> None:
    """L-POL-14."""
    manager = PolicyManager.from_config(AutoPromote(threshold=0))

    assert [manager.by_reference("note", size) for size in (0, 1)] == [False, True]


def test_a_type_in_both_lists_goes_by_value_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """L-POL-13."""
    manager = PolicyManager.from_config(always_reference_types=["note"], always_value_types=["note"])

    assert not manager.by_reference("note", LARGE)
    assert "'note'" in caplog.text


def test_negative_thresholds_are_refused_by_name() -> None:
    """L-POL-12: the original took them."""
    with pytest.raises(ValueError, match=r"threshold is -1; allowed is an int of 0 or more"):
        policy.tool_result(-1)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: Policy(1), r"Policy: tier is 1; allowed is a Tier, such as Tier\.ALWAYS_REFERENCE"),  # type: ignore[arg-type]
        (lambda: Policy(Tier.AUTO_PROMOTE, "note", True), "Policy: auto_promote is True; allowed is an AutoPromote"),  # type: ignore[arg-type] # noqa: FBT003 -- wrong as it is
        (lambda: Policy(Tier.ALWAYS_VALUE, overrides={"note": 1}), "Policy: overrides is {'note': 1}; allowed is"),  # type: ignore[dict-item]
        (lambda: Override("force"), "Override: kind is 'force'; allowed is an OverrideKind"),  # type: ignore[arg-type]
        (lambda: AutoPromote(enabled="no"), "AutoPromote: enabled is 'no'; allowed is a bool"),  # type: ignore[arg-type]
        (lambda: PolicyManager(3), "the default policy of a PolicyManager is 3; allowed is a Policy"),  # type: ignore[arg-type]
        (lambda: PolicyManager.from_config(3), "Policy: auto_promote is 3"),  # type: ignore[arg-type]
        (
            lambda: PolicyManager.from_config(always_value_types="plan"),
            "types of messages are 'plan'; allowed is a list",
        ),
    ],
)
def test_what_is_no_policy_is_refused_where_it_is_made(make: Callable[[], object], fault: str) -> None:
    """L-POL-1: taken for a tier, the number of another one would let go by size what must not."""
    with pytest.raises(TypeError, match=fault):
        make()


def test_a_policy_can_be_replaced_under_either_name() -> None:
    """L-POL-10, 11, X6: an unknown type has the default policy."""
    manager = PolicyManager()
    manager.set_policy("session_state", policy.control())
    manager.register_policy("note", policy.session_state())

    assert not manager.by_reference("session_state", LARGE)
    assert manager.by_reference("note", 1)
    assert manager.get_policy("unknown").message_type == "default"


def test_the_ready_made_policies_have_their_tiers() -> None:
    """L-POL-12."""
    made = [policy.session_state(), policy.workflow_context(), policy.control(), policy.tool_result(), policy.default()]

    assert [one.tier.value for one in made] == [1, 1, 3, 2, 2]
    assert policy.tool_result(0).auto_promote.threshold == policy.PROMOTE_ABOVE
    assert policy.tool_result(5).auto_promote.threshold == 5
