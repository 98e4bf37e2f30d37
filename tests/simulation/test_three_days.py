"""Three days on a testnet in virtual time, with all that may come between leader and exchange.

Renewals and announcements, bans, a maintenance, cuts, keys that are exchanged and revoked, and a
reset of the testnet, with orders bought and sold in between. The exchange allows so little of
everything that a leader which does not mind a limit goes over it. One announcement comes a second
before the end: the new session is ready by then, the market stream has to wait for its slot.
"""

from bisect import bisect_left
from pathlib import Path

import pytest

from simulation import journal_books
from simulation.days import CONNECTIONS, ENDS_AT_ONCE, Days
from simulation.wires import LIFE_S
from symbol_trader.binance.reconnects import Cause, Service
from symbol_trader.core.error_codes import TOO_MANY_CONNECTIONS
from symbol_trader.core.orders import OrderState, Side
from symbol_trader.core.records import TraderState
from symbol_trader.core.settings import TradingStatus
from tradingsymbol_api.conditions import LeaderReason
from tradingsymbol_api.pod import Cause as EndingCause

HOURS = 72
AGED = 5, 29
"""Hours between which connections live as long as they may."""


@pytest.mark.timeout(900)
def test_three_days_on_a_testnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    days = Days(monkeypatch, tmp_path / "key")
    for hour, after_s in ((AGED[0], 60.0), (30, 1.0), (65, 600.0)):
        days.at(hour, lambda after_s=after_s: days.wires.announce_and_close(after_s))  # type: ignore[misc]  # it has a default
    days.at(AGED[1], lambda: days.ban(closes=True))
    days.at(31, lambda: days.wires.cut(api=False))
    days.at(32, lambda: days.wires.cut(api=True))
    days.at(34, lambda: days.maintain(4))
    days.at(40, lambda: days.keys.put(1))
    days.at(41, lambda: days.revoke(0))
    days.at(43, lambda: days.ban(closes=False))
    days.at(45, lambda: days.revoke_under_way(1))
    days.at(52, days.reset_when_a_sell_rests)
    days.at(55, lambda: days.resource.ask(TradingStatus.SHUTDOWN, ENDS_AT_ONCE))
    days.at(56, lambda: days.resource.ask(TradingStatus.ON))

    days.run(HOURS)

    assert [ending.cause for ending in days.endings] == [EndingCause.DRAINED] * 2
    assert days.database.released
    check_orders(days)
    check_trades(days)
    check_limits(days)
    check_reconnects(days)
    check_keys(days)
    check_reset(days)


def check_orders(days: Days) -> None:
    """Compare the exchange's own journal with the record: nothing is lost, doubled, or differs."""
    orders = journal_books.read(days.journal.batches)
    assert journal_books.differences(orders, days.database.rows) == []
    assert set(days.wires.placed.values()) == {1}, "each order is asked for once"
    filled = [o.accepted.side.value for o in orders if o.state is OrderState.FILLED]
    assert min(filled.count(side) for side in Side) > 50


def check_trades(days: Days) -> None:
    """Every trade since a leader's first came once, in order, or is in a gap that was noticed."""
    before, after = days.published
    (first, second), missed = days.heard, sum(gap.count for gap in days.gaps)
    begun_again = next(at for at, n in enumerate(first) if at and n < first[at - 1])
    assert first[:begun_again] == since(first[0], before)
    for heard in (first[begun_again:], second):
        assert heard == since(heard[0], after)[: len(heard)]
    assert second[-1] >= days.published_in_time
    assert len(days.gaps) >= 3, "others traded while the stream was away"
    assert missed < len(before) / 100


def since(first: int, ids: list[int]) -> list[int]:
    return ids[ids.index(first) :]


def check_limits(days: Days) -> None:
    """No limit was exceeded, by the exchange's own count, and no ban was disregarded."""
    wires = days.wires
    assert {name for name, (used, most) in wires.most_used.items() if used > most} == set()
    assert set(wires.most_used) == {"REQUEST_WEIGHT 1 MINUTE", "ORDERS 10 SECOND", "ORDERS 1 DAY"}
    assert wires.replies[429] == 0
    assert most_in_window(wires.attempts_s, CONNECTIONS.window_s) <= CONNECTIONS.attempts
    assert wires.refused[TOO_MANY_CONNECTIONS] == 0
    assert wires.stream_messages == 0
    assert wires.replies[418] >= 1, "the second ban leaves the connections"
    assert wires.unheeded == 0


def most_in_window(times_s: list[float], window_s: float) -> int:
    return max(bisect_left(times_s, begin + window_s) - n for n, begin in enumerate(times_s))


def check_reconnects(days: Days) -> None:
    counts = days.reconnects.counts
    for service, announced in ((Service.API, 3), (Service.MARKET, 2)):
        assert counts[service, Cause.ANNOUNCED] >= announced
        assert counts[service, Cause.AGE] >= 1
        assert counts[service, Cause.LOST] >= 3, "a ban, a maintenance, a cut, a reset"
        assert counts[service, Cause.STALLED] == 0
    assert days.wires.expired == 0, f"each is renewed before {LIFE_S} s"
    assert days.process.epochs == [1, 2], "one for each start"


def check_keys(days: Days) -> None:
    """One key was exchanged in time, the other revoked while an order was on its way."""
    assert days.reconnects.counts[Service.API, Cause.REVOKED] == 2
    assert days.wires.replies[401] == 1, "-2015, for no request by name"
    assert days.said["order in doubt"] >= 1
    assert days.under_way is not None
    assert days.database.rows.orders[days.under_way].state is OrderState.ABSENT
    refused = days.resource.reported(LeaderReason.CREDENTIALS_REFUSED)
    assert refused
    assert all("-2015" in message for message in refused)


def check_reset(days: Days) -> None:
    """Orders that a reset took are named with what has happened, and held in the end."""
    orders = journal_books.read(days.journal.batches)
    gone = [order.accepted.client_order_id for order in orders if order.is_reset]
    named = days.resource.reported(LeaderReason.ORDER_MISSING)
    assert sorted(message.partition(" ")[0] for message in named) == sorted(gone)
    assert all("the testnet is reset about once a month" in message for message in named)
    results = [result.state for result in days.database.rows.results]
    assert TraderState.HELD in results, "what its sell had to sell is gone"
    assert results[-1] is TraderState.FINISHED, "it trades again"
