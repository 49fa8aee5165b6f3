"""Restart intensity, against the plainest statement of the rule."""

from hypothesis import given
from hypothesis import strategies as st

from supervision.intensity import RestartWindow

HALVES = st.integers(0, 40).map(lambda halves: halves / 2)


@given(
    intensity=st.integers(0, 5),
    period=st.integers(1, 20).map(lambda halves: halves / 2),
    pauses=st.lists(HALVES, max_size=30),
)
def test_more_than_intensity_restarts_within_the_period_are_too_many(
    intensity: int, period: float, pauses: list[float]
) -> None:
    window = RestartWindow(intensity, period)
    now, times = 0.0, list[float]()
    for pause in pauses:
        now += pause
        times.append(now)

        allowed = window.allow(now)

        assert allowed == (sum(now - period <= time <= now for time in times) <= intensity)
