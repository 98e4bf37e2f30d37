"""Nobody hears of what is not in the journal yet."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from paper_exchange import journal
from paper_exchange.core.events import Step
from paper_exchange.core.market import MarketTrade
from paper_exchange.market.source import MarketEvent
from unit.paper_exchange.clients import Client, D

TRADE = MarketTrade("XRPUSDT", D("0.49"), D(40), buyer_is_maker=True)


def played(client: Client) -> None:
    client.venue.play([MarketEvent(1, 0, TRADE), MarketEvent(2, 1, TRADE)])


def pushed(client: Client) -> None:
    client.venue.trade(TRADE)


def taken(client: Client) -> None:
    client.order("SELL", "0.5", "100", key="key-b")


@pytest.mark.parametrize("happen", [played, pushed, taken])
def test_a_fill_is_written_before_it_is_published(
    tmp_path: Path, happen: Callable[[Client], None]
) -> None:
    path = tmp_path / "journal.jsonl"
    client = Client(journal=path)
    client.order()
    heard: list[tuple[int, int]] = []

    def compare(step: Step) -> None:
        book = client.venue.engine.state.books["XRPUSDT"]
        heard.append((len(journal.read(path).fills), len(book.fills)))
        assert step.events

    client.venue.listen(compare)
    happen(client)
    client.venue.journal.close()
    assert heard
    assert all(written == known > 0 for written, known in heard)


def test_an_order_is_written_before_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    client = Client(journal=path)
    params = client.sign(
        "key-a", symbol="XRPUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="0.5",
        quantity="100",
    )  # fmt: skip
    request = client.api.parse(json.dumps({"id": 1, "method": "order.place", "params": params}))
    reply = client.api.answer(client.session, request, client.now)
    assert reply.body["status"] == 200
    assert ("XRPUSDT", 1) in journal.read(path).orders
    client.venue.journal.close()


def test_a_batch_is_one_line_that_says_each_thing_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    client = Client(journal=path)
    before = len(path.read_text().splitlines())
    played(client)
    lines = path.read_text().splitlines()
    assert len(lines) == before + 1
    entries = json.loads(lines[-1])["entries"]
    assert [entry["k"] for entry in entries] == ["priced", "played"]
    assert entries[0]["last_trade_id"] == entries[1]["position"] == 2
    client.venue.journal.close()
