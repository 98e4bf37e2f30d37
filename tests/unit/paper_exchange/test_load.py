"""The exchange keeps up: measured in processor time, so that a busy machine does not fail it."""

import time
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path

from paper_exchange import journal
from paper_exchange.core.orders import NewOrder, OrderType, Side, TimeInForce
from paper_exchange.market.synthetic import Synthetic
from paper_exchange.shell.assembly import open_venue
from paper_exchange.venue import Venue
from unit.paper_exchange.clients import CONFIG, START

TRADES = 6000
PER_SECOND = 2000


def rest_orders(venue: Venue) -> None:
    """Put twenty orders far and near around the price of 0.5."""
    for number in range(20):
        side = Side.BUY if number % 2 else Side.SELL
        price = Decimal("0.5") + Decimal("0.001") * (number if side is Side.SELL else -number)
        order = NewOrder(
            "XRPUSDT",
            side,
            OrderType.LIMIT,
            TimeInForce.GTC,
            Decimal(40),
            price,
            f"o-{number}",
        )
        venue.commit(venue.engine.place(START, "a", order)[1])


def test_two_thousand_trades_a_second_through_engine_and_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    source = Synthetic(("XRPUSDT",), 1)
    venue = open_venue(replace(CONFIG, source=source, journal=path), lambda: START)
    rest_orders(venue)
    book = venue.engine.state.books["XRPUSDT"]
    events = source.play(0, lambda _: book.price)
    started = time.process_time()
    for event in islice(events, TRADES):
        venue.play([event])
    spent = time.process_time() - started
    venue.journal.close()
    assert venue.engine.state.position == TRADES
    assert len(journal.read(path).fills) > 10
    assert spent < TRADES / PER_SECOND
