"""What the record refuses of one trader concerns that trader alone."""

import time
from collections.abc import Sequence

import pytest

from symbol_trader.core import ids
from symbol_trader.core.orders import OrderState, Side, TraderId
from symbol_trader.core.records import (
    OrderChange,
    RecordChange,
    RefusedBuy,
    TraderResult,
    TraderState,
)
from symbol_trader.errors import Contradiction
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.noting import Noted, Notes, RecordRefuses
from unit.core.builders import D

REFUSED, TAKEN = TraderId("0000000000001"), TraderId("0000000000002")


class Record:
    """A record that takes all changes of a call or none, and none of one trader's order."""

    def __init__(self, refused: str = "", over_limit: tuple[RefusedBuy, ...] = ()) -> None:
        self.commits: list[list[RecordChange]] = []
        self._refused = refused
        self._over_limit = over_limit

    async def note(self, changes: Sequence[RecordChange]) -> tuple[RefusedBuy, ...]:
        if any(getattr(change, "client_order_id", "") == self._refused for change in changes):
            raise Contradiction(f"{self._refused}: it is over on record")
        self.commits.append(list(changes))
        return self._over_limit


def news_of(trader_id: TraderId) -> OrderChange:
    name = ids.client_order_id("0a1b2c", trader_id, Side.BUY, 1)
    return OrderChange(name, OrderState.OPEN, 1, D(0), D(0), "")


def result_of(trader_id: TraderId) -> TraderResult:
    zero = D(0)
    return TraderResult(trader_id, TraderState.FINISHED, "sold", 1, zero, zero, zero, zero)


def notes_in(record: Record) -> Notes:
    return Notes(record, Metrics("XRPUSDT", "paper", time.monotonic))  # type: ignore[arg-type]  # a stand-in has what is used


async def test_what_one_trader_contradicts_does_not_keep_the_others_from_the_record() -> None:
    refused, taken = news_of(REFUSED), news_of(TAKEN)
    record = Record(refused.client_order_id)
    found = await notes_in(record).note([refused, taken, result_of(TAKEN)])
    assert found.refused == {REFUSED: f"{refused.client_order_id}: it is over on record"}
    assert record.commits == [[taken, result_of(TAKEN)]]


async def test_without_a_contradiction_all_is_one_commit() -> None:
    record = Record()
    assert await notes_in(record).note([news_of(REFUSED), news_of(TAKEN)]) == Noted()
    assert record.commits == [[news_of(REFUSED), news_of(TAKEN)]]


async def test_a_trader_whose_end_the_record_refuses_is_known_only_to_a_new_start() -> None:
    refused = news_of(REFUSED)
    notes = notes_in(Record(refused.client_order_id))
    with pytest.raises(RecordRefuses) as caught:
        await notes.note([refused, result_of(REFUSED), news_of(TAKEN)])
    assert caught.value.trader_id == REFUSED


@pytest.mark.parametrize("others", [[], [TAKEN]])
async def test_a_buy_past_a_limit_is_refused_and_all_else_is_noted(others: list[TraderId]) -> None:
    name = ids.client_order_id("0a1b2c", REFUSED, Side.BUY, 1)
    refused = RefusedBuy(name, "Halted", "buys are halted")
    record = Record(over_limit=(refused,))
    changes = [news_of(trader_id) for trader_id in (REFUSED, *others)]
    assert await notes_in(record).note(changes) == Noted(buys=(refused,))
    assert record.commits == [changes]
