"""What a store knows by heart stays in proportion to what is in it."""

from hashlib import sha256

from actors.store.ledger import SWEEP_ABOVE, Facts, Ledger

DAY = 86_400.0
MANY = 4 * SWEEP_ABOVE


def facts_of(text: str, ttl: float) -> Facts:
    return Facts(sha256(text.encode()).hexdigest(), len(text), len(text), 1, "trace", "", ttl, 1)


def test_forgets_when_values_would_have_expired_that_were_released_long_before() -> None:
    ledger = Ledger("memory")

    for number in range(MANY):
        row = ledger.put(facts_of(f"value {number}", DAY), number + 1, now=0.0)
        ledger.release(row.id)

    assert ledger.rows == {}
    assert len(ledger._expiries) <= SWEEP_ABOVE


def test_keeps_one_expiry_of_a_value_that_is_stored_again_and_again() -> None:
    ledger = Ledger("memory")

    for number in range(MANY):
        ledger.put(facts_of("the same", DAY), number + 1, now=float(number))

    assert len(ledger._expiries) <= SWEEP_ABOVE
    assert ledger.collect(DAY + MANY - 1, 10, expiry=True, unheld=False) == 0
    assert ledger.collect(DAY + MANY, 10, expiry=True, unheld=False) == 1


def test_collects_all_that_expire_after_the_rest_was_swept_away() -> None:
    ledger = Ledger("memory")

    for number in range(MANY):
        row = ledger.put(facts_of(f"value {number}", DAY), number + 1, now=float(-number))
        if number % 4:
            ledger.release(row.id)

    assert ledger.collect(DAY + 1, MANY, expiry=True, unheld=False) == MANY // 4
    assert ledger.rows == {}
