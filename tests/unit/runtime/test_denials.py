"""A symbol that the exchange denies is gone only if it is denied often, and for long."""

import pytest

from symbol_trader.core.timing import Timing
from symbol_trader.runtime.handover import Denials

GONE_AFTER_MS = Timing().gone_after_ms


@pytest.mark.parametrize(
    ("times_s", "suffices"),
    [([0], False), ([0, 100], False), ([0, 1, 59], False), ([0, 1, 100], True)],
)
def test_one_denial_may_be_a_mistake(times_s: list[float], suffices: bool) -> None:
    denials = Denials()
    for now_s in times_s:
        denials.add(1000 + now_s)
    assert denials.suffice(1000 + times_s[-1], GONE_AFTER_MS) is suffices


def test_a_symbol_that_was_known_between_is_denied_anew() -> None:
    denials = Denials()
    for now_s in (0, 1, 100):
        denials.add(now_s)
    denials.clear()
    for now_s in (200, 201, 202):
        denials.add(now_s)
    assert not denials.suffice(202, GONE_AFTER_MS)
