"""What an account has lost, worked out by hand: from raw fills and bids, in the order of a tape.

Triggers note each fill, buy, end of a cycle and bid as the record takes it in, and each result that
the record works out. Sums are made here, from the exchange's own fills.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import asyncpg

from paper_exchange import journal
from support.postgres import execute

_TAPE = """
CREATE TABLE tape (
    number bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    commit text NOT NULL DEFAULT pg_current_xact_id()::text,
    what text NOT NULL,
    facts jsonb NOT NULL
);
CREATE FUNCTION keep_tape() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tape (what, facts) VALUES (TG_ARGV[0], to_jsonb(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER tape AFTER INSERT ON fills FOR EACH ROW EXECUTE FUNCTION keep_tape('fill');
CREATE TRIGGER tape AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION keep_tape('order');
CREATE TRIGGER tape AFTER UPDATE OF state ON traders
    FOR EACH ROW WHEN (OLD.state = 'running' AND NEW.state <> 'running')
    EXECUTE FUNCTION keep_tape('end');
CREATE TRIGGER tape AFTER UPDATE OF bid_at ON owners
    FOR EACH ROW EXECUTE FUNCTION keep_tape('bid');
CREATE TRIGGER tape AFTER INSERT OR UPDATE ON account_results
    FOR EACH ROW EXECUTE FUNCTION keep_tape('result');
"""
_RESULT = "SELECT result, day, day_start, highest FROM account_results"


async def keep_tape(url: str) -> None:
    """Note from now on what a record takes in. Copies of its database go on with it."""
    await execute(url, _TAPE)


@dataclass(frozen=True, slots=True)
class Losses:
    """An account's result, and what its losses are measured from."""

    result: Decimal
    day: date
    day_start: Decimal
    highest: Decimal

    @property
    def drawdown(self) -> Decimal:
        """Return how far the result is below its highest so far."""
        return self.highest - self.result

    @property
    def of_the_day(self) -> Decimal:
        """Return how far it has fallen today."""
        return max(self.day_start - self.result, Decimal(0))


@dataclass(slots=True)
class _Note:
    """A line of the tape."""

    at: datetime
    commit: str
    what: str
    facts: dict[str, Any]


@dataclass(slots=True)
class ByHand:
    """Sums of one symbol's fills, and its losses as they grew."""

    theirs: dict[tuple[int, int], Any]
    """The exchange's fills, by order and trade."""
    quote_asset: str
    losses: Losses | None = None
    moments: int = 0
    """How often the result was worked out."""
    _fills: list[tuple[str, Any]] = field(default_factory=list)
    """Those on record, each with its trader."""
    _trader_of: dict[str, str] = field(default_factory=dict)
    _carried_cost: dict[str, Decimal] = field(default_factory=dict)
    """What each cycle that is over has left to later sells, at cost."""
    _bid: Decimal | None = None

    def play(self, notes: Iterable[_Note]) -> None:
        """Go through the tape, one commit after another."""
        for _, commit in groupby(notes, key=lambda note: note.commit):
            self._play_commit([*commit])

    def _play_commit(self, notes: list[_Note]) -> None:
        for note in notes:
            match note.what:
                case "order" if note.facts["side"] == "BUY":
                    self._measure(note.at)
                    self._take_order(note.facts)
                case "order":
                    self._take_order(note.facts)
                case "fill":
                    self._take_fill(note.facts)
                case "end":
                    assert note.facts["unsold"] == 0, "nothing is given up to be held here"
                    self._carried_cost[note.facts["trader_id"]] = note.facts["carried_cost"]
                case "bid":
                    self._bid = note.facts["bid"]
                case "result":
                    self._measure(note.at)
                    self._compare(note.facts)
        if any(note.what in {"bid", "end"} for note in notes):
            self._measure(notes[-1].at)

    def _take_order(self, facts: dict[str, Any]) -> None:
        self._trader_of[facts["client_order_id"]] = facts["trader_id"]

    def _take_fill(self, facts: dict[str, Any]) -> None:
        fill = self.theirs[facts["order_id"], facts["trade_id"]]
        self._fills.append((self._trader_of[fill.client_order_id], fill))

    def _compare(self, facts: dict[str, Any]) -> None:
        """Compare what the record has worked out at this moment."""
        day = date.fromisoformat(facts["day"])
        told = Losses(facts["result"], day, facts["day_start"], facts["highest"])
        assert told == self.losses, f"by hand: {self.losses}"

    def _measure(self, at: datetime) -> None:
        """Work out the result at a moment, the highest so far, and what the day began with."""
        now, today, before = self._result(), at.date(), self.losses
        self.moments += 1
        if before is None:
            self.losses = Losses(now, today, now, now)
            return
        day_start = before.result if before.day < today else before.day_start
        self.losses = Losses(now, max(before.day, today), day_start, max(before.highest, now))

    def _result(self) -> Decimal:
        """Return all quote that moved, and what all base is worth at the last bid.

        Before the first bid, what cycles that are over have brought, and left, at cost.
        """
        if self._bid is None:
            ended = (fill for trader, fill in self._fills if trader in self._carried_cost)
            return sum(map(self._quote, ended), sum(self._carried_cost.values(), Decimal(0)))
        fills = [fill for _, fill in self._fills]
        return sum(map(self._quote, fills)) + sum(map(self._base, fills)) * self._bid

    def _quote(self, fill: Any) -> Decimal:
        moved: Decimal = fill.quote_quantity if fill.side == "SELL" else -fill.quote_quantity
        taken: Decimal = (
            fill.commission if fill.commission_asset == self.quote_asset else Decimal(0)
        )
        return moved - taken

    def _base(self, fill: Any) -> Decimal:
        moved: Decimal = fill.quantity if fill.side == "BUY" else -fill.quantity
        taken: Decimal = (
            fill.commission if fill.commission_asset != self.quote_asset else Decimal(0)
        )
        return moved - taken


async def worked_out(url: str, book: Path, symbol: str, quote_asset: str) -> tuple[Losses, ByHand]:
    """Return what a record says of losses, and the same by hand, of one moment."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = await connection.fetchrow(_RESULT)
            tape = await connection.fetch("SELECT * FROM tape ORDER BY number")
    finally:
        await connection.close()
    fills = [fill for fill in journal.read(book).fills if fill.symbol == symbol]
    hand = ByHand({(fill.order_id, fill.trade_id): fill for fill in fills}, quote_asset)
    hand.play(_Note(r["at"], r["commit"], r["what"], _exactly(r["facts"])) for r in tape)
    return Losses(*row), hand


def _exactly(facts: str) -> dict[str, Any]:
    """Read a row as it was noted: all its numbers are exact."""
    found: dict[str, Any] = json.loads(facts, parse_float=Decimal, parse_int=Decimal)
    return found
