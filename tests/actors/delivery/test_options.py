"""What a router does by default, and what one message may ask for instead."""

from typing import Any

import pytest

from actors import Priority
from actors.delivery import BreakerOptions, DeliveryOptions, Guarantee, RouterConfig
from actors.delivery.options import terms_of


def test_the_documented_defaults() -> None:
    config = RouterConfig()

    assert config.guarantee is Guarantee.AT_LEAST_ONCE
    assert (config.timeout, config.max_retries, config.retry_delay, config.require_ack) == (30.0, 3, 0.1, False)
    assert (config.backoff, config.max_retry_delay, config.jitter) == (2.0, 30.0, 0.0)
    assert (config.max_concurrent_deliveries, config.dedupe_seconds) == (100, 86_400.0)
    assert config.priority is Priority.NORMAL


def test_what_a_message_asks_for_comes_before_what_the_router_says() -> None:
    terms = terms_of(RouterConfig(timeout=10.0, max_retries=4), DeliveryOptions(max_retries=5, priority=Priority.HIGH))

    assert (terms.timeout, terms.max_attempts, terms.priority) == (10.0, 5, Priority.HIGH)


def test_the_delays_grow_up_to_the_cap() -> None:
    backoff = terms_of(RouterConfig(max_retries=200)).backoff

    assert [backoff.seconds(retry) for retry in (1, 2, 3, 9, 10, 100)] == [0.1, 0.2, 0.4, 25.6, 30.0, 30.0]


def test_a_message_lives_as_long_as_all_its_attempts_may_take() -> None:
    assert terms_of(RouterConfig()).lifetime == pytest.approx(3 * 30.0 + 0.1 + 0.2 + 0.4)
    assert terms_of(RouterConfig(max_retries=1000)).lifetime == pytest.approx(1000 * 30.0 + 51.1 + 991 * 30.0)
    assert terms_of(RouterConfig(max_retries=3, backoff=1.0)).lifetime == pytest.approx(90.3)


@pytest.mark.parametrize("backoff", [1.0, 1.001, 1.02, 1.5, 2.0, 1e9])
@pytest.mark.parametrize("attempts", [1, 2, 7, 150, 6_000])
def test_the_sum_of_all_delays_is_that_of_each(backoff: float, attempts: int) -> None:
    terms = terms_of(RouterConfig(max_retries=attempts, backoff=backoff))

    each = sum(terms.backoff.seconds(retry) for retry in range(1, attempts + 1))

    assert terms.lifetime - attempts * terms.timeout == pytest.approx(each)


def test_delays_that_hardly_grow_are_not_added_up_one_by_one() -> None:
    """That would hold up the loop for seconds."""
    terms = terms_of(RouterConfig(max_retries=10**9, backoff=1.000_001, retry_delay=1e-300))

    assert 30.0 < terms.lifetime / 10**9 < 60.0


def test_a_durable_message_lives_for_a_day() -> None:
    assert terms_of(RouterConfig(), DeliveryOptions(durable=True)).lifetime == 86_400.0


def test_what_is_sent_at_most_once_is_never_durable() -> None:
    with pytest.raises(ValueError, match="at most once may not come again"):
        DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE, durable=True)

    terms = terms_of(RouterConfig(durable=True), DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE))

    assert not terms.durable


def test_what_is_sent_at_most_once_has_one_attempt() -> None:
    terms = terms_of(RouterConfig(max_retries=7), DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE))

    assert (terms.max_attempts, terms.tracked) == (1, False)


@pytest.mark.parametrize(
    "refused",
    [
        {"timeout": 0.0},
        {"timeout": True},
        {"max_retries": 0},
        {"retry_delay": -1.0},
        {"backoff": 0.5},
        {"jitter": 2.0},
        {"guarantee": "at_least_once"},
        {"priority": 3},
        {"durable": 1},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(refused: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(refused))):
        DeliveryOptions(**refused)
    with pytest.raises(ValueError, match=next(iter(refused))):
        RouterConfig(**refused)


def test_a_breaker_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed is 'wait' or 'fail'"):
        BreakerOptions(while_open="hope")  # type: ignore[arg-type]  # that is the mistake
