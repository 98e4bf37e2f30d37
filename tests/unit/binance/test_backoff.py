"""The bound of pauses doubles up to its limit; chance draws from all below it."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.backoff import delays


def test_without_jitter_pauses_double_up_to_the_limit() -> None:
    assert list(islice(delays(1, 10, lambda: 1.0), 6)) == [1, 2, 4, 8, 10, 10]


@given(st.floats(0, 1, exclude_max=True))
def test_the_jitter_is_full(draw: float) -> None:
    assert list(islice(delays(1, 8, lambda: draw), 5)) == [draw * s for s in (1, 2, 4, 8, 8)]


def test_pauses_never_end_and_never_overflow() -> None:
    assert list(islice(delays(0.5, 30, lambda: 1.0), 5000))[-1] == 30
