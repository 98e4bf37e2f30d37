"""Gaps, repetitions and resets, as the ids of trades tell them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from symbol_trader.binance.trade_ids import RESET_AFTER_MS, TradeIds
from symbol_trader.core.replies import Price, TradeGap


def trade(number: int, time_ms: int = 1_000) -> Price:
    return Price(number, Decimal(1), time_ms)


class Ids:
    """The ids, and how often they began again."""

    def __init__(self) -> None:
        self.resets = 0
        self.ids = TradeIds(self._reset)

    def _reset(self) -> None:
        self.resets += 1

    def see(self, number: int, time_ms: int = 1_000) -> TradeGap | str | None:
        price = trade(number, time_ms)
        return "repeated" if self.ids.repeats(price) else self.ids.take(price)


def test_consecutive_ids_are_no_gap() -> None:
    ids = Ids()
    assert [ids.see(number) for number in (7, 8, 9)] == [None] * 3


def test_a_jump_is_a_gap_between_two_times() -> None:
    ids = Ids()
    ids.see(7, 1_000)
    gap = ids.see(11, 5_000)
    assert gap == TradeGap(8, 10, 1_000, 5_000)
    assert gap.count == 3
    assert ids.see(12) is None


def test_what_came_before_is_a_repetition() -> None:
    ids = Ids()
    ids.see(7)
    ids.see(8)
    assert [ids.see(number) for number in (7, 8)] == ["repeated"] * 2
    assert ids.see(8, 1_000 + RESET_AFTER_MS) == "repeated"
    assert ids.see(9) is None
    assert not ids.resets


def test_a_lower_id_that_is_much_later_is_a_reset() -> None:
    ids = Ids()
    ids.see(700)
    assert ids.see(1, 1_001 + RESET_AFTER_MS) is None
    assert ids.resets == 1
    assert ids.see(2, 1_002 + RESET_AFTER_MS) is None


def test_a_lower_id_on_a_connection_of_its_own_is_a_reset_at_once() -> None:
    ids = Ids()
    ids.see(700)
    ids.ids.connected()
    assert ids.see(1, 1_001) is None
    assert ids.see(1, 1_002) == "repeated"
    assert ids.resets == 1


def test_the_trade_seen_last_may_be_shown_again_by_the_next_connection() -> None:
    ids = Ids()
    ids.see(700)
    ids.ids.connected()
    assert ids.see(700) == "repeated"


@given(st.lists(st.integers(1, 50), min_size=1))
def test_every_id_is_seen_missed_or_repeated(numbers: list[int]) -> None:
    ids, seen, missed = Ids(), [], 0
    for number in numbers:
        found = ids.see(number)
        if found != "repeated":
            seen.append(number)
        missed += found.count if isinstance(found, TradeGap) else 0

    assert seen == sorted(set(seen))
    assert missed == seen[-1] - seen[0] + 1 - len(seen)
