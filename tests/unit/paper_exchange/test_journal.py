"""The record: written whole, rebuilt exactly, damage refused by file and line."""

import io
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange import journal
from paper_exchange.core.entries import Entry, EntryError, Granted, Played, decode, encode
from paper_exchange.core.state import State
from paper_exchange.journal import FileJournal, Header, JournalError
from paper_exchange.journal_format import whole_lines
from unit.paper_exchange.builders import NOW, D, Market, content

HEADER = Header("first", NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.jsonl"


def write(path: Path, batches: list[list[Entry]], header: Header = HEADER) -> State:
    state = State()
    opened = FileJournal.open(path, header, state)
    for batch in batches:
        opened.append(NOW, batch)
        for entry in batch:
            state.apply(entry)
    opened.close()
    return state


def reopen(path: Path, header: Header = HEADER) -> tuple[Header, State]:
    state = State()
    opened = FileJournal.open(path, header, state)
    opened.close()
    return opened.header, state


def trading() -> Market:
    market = Market()
    market.quote("9.99", 10, "10.01", 10)
    market.place("BUY", "10.05", 12)
    order = market.place("SELL", "10.10", 5)
    market.buy("10.20", 3)
    market.cancel(order)
    return market


def test_a_reopened_journal_holds_the_state_and_its_first_instance(path: Path) -> None:
    market = trading()
    write(path, [market.entries])
    header, state = reopen(path, Header("second", NOW))
    assert header == HEADER
    assert content(state) == content(market.state)


def test_an_audit_reads_orders_fills_and_balances_to_the_last_digit(path: Path) -> None:
    market = trading()
    write(path, [market.entries])
    audit = journal.read(path)
    book = market.state.books["XRPUSDT"]
    assert audit.instance == "first"
    assert audit.fills == tuple(book.fills)
    assert audit.orders == {("XRPUSDT", number): order for number, order in book.orders.items()}
    assert audit.balances["a", "USDT"] == market.state.accounts["a"].of("USDT")


def test_a_journal_can_be_read_while_it_is_written(path: Path) -> None:
    state = State()
    opened = FileJournal.open(path, HEADER, state)
    opened.append(NOW, trading().entries)
    assert len(journal.read(path).fills) == 2
    opened.close()


class Growing(io.RawIOBase):
    """A file that ends for now in the middle of a line, and has the rest a moment later."""

    def __init__(self) -> None:
        self._parts = [b"whole\nhal", b"", b"f\n", b""]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._parts.pop(0)
        buffer[: len(part)] = part
        return len(part)

    def open(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(self)


def test_the_rest_of_a_line_that_was_being_written_is_not_taken_for_one() -> None:
    assert list(whole_lines(Growing())) == [b"whole\n"]  # type: ignore[arg-type]  # a stand-in has what is used


@settings(deadline=None)
@given(st.data())
def test_a_torn_last_line_is_dropped_wherever_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal.jsonl"
    write(path, [[Granted("a", "USDT", D(1))], [Granted("a", "XRP", D(2))]])
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    cut = data.draw(st.integers(len(whole) - len(lines[-1]), len(whole) - 1))
    path.write_bytes(whole[:cut])
    assert "XRP" not in {asset for _, asset in journal.read(path).balances}
    _, state = reopen(path)
    assert state.accounts["a"].of("USDT").free == 1
    assert state.accounts["a"].of("XRP").free == 0
    assert path.read_bytes() == b"".join(lines[:-1])


def test_writing_goes_on_after_a_torn_line(path: Path) -> None:
    write(path, [[Granted("a", "USDT", D(1))]])
    with path.open("ab") as file:
        file.write(b'{"n":2,"at":1,"entr')
    write(path, [[Granted("a", "XRP", D(2))]])
    _, state = reopen(path)
    assert set(state.accounts["a"].balances) == {"USDT", "XRP"}


def test_a_torn_header_is_a_journal_that_never_was(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"journal":"paper-exch')
    header, state = reopen(path, Header("second", NOW))
    assert header.instance == "second"
    assert state.accounts == {}


def test_any_damaged_byte_is_refused_with_its_line(path: Path) -> None:
    write(path, [[Played(number)] for number in range(1, 4)])
    whole = path.read_bytes()
    for at, byte in enumerate(whole[:-1]):
        if byte == ord("\n"):
            continue
        path.write_bytes(whole[:at] + bytes([byte ^ 1]) + whole[at + 1 :])
        line = whole[:at].count(b"\n") + 1
        with pytest.raises(JournalError, match=rf"journal\.jsonl:{line}: "):
            reopen(path)


def test_a_missing_line_is_refused(path: Path) -> None:
    write(path, [[Played(number)] for number in range(1, 4)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(JournalError, match=r"journal\.jsonl:3: .*batch 3 where 2 was expected"):
        reopen(path)


@pytest.mark.parametrize(
    "body",
    [
        b'{"journal":"paper-exchange","version":3,"instance":"x","created":1',
        b'{"journal":"something","version":1,"instance":"x","created":1',
        b'{"a":1',
    ],
)
def test_another_file_or_version_is_refused(path: Path, body: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(b'%s,"crc":"%08x"}\n' % (body, zlib.crc32(body)))
    with pytest.raises(JournalError, match=r":1: not a journal of this exchange \(version 2\)"):
        reopen(path)


def test_two_exchanges_cannot_share_a_journal(path: Path) -> None:
    first = FileJournal.open(path, HEADER, State())
    with pytest.raises(JournalError, match="another exchange is using this journal"):
        FileJournal.open(path, HEADER, State())
    first.close()
    reopen(path)


def test_a_journal_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        FileJournal.open(tmp_path, HEADER, State())
    with pytest.raises(JournalError, match="cannot be read"):
        journal.read(tmp_path / "missing")


def test_a_write_that_fails_is_an_error(path: Path) -> None:
    opened = FileJournal.open(path, HEADER, State())
    opened.close()
    with pytest.raises(JournalError, match="cannot be written"):
        opened.append(NOW, [Played(1)])


def test_a_short_write_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = FileJournal.open(path, HEADER, State())
    monkeypatch.setattr(os, "write", lambda *_: 3)
    with pytest.raises(JournalError, match="only 3 of"):
        opened.append(NOW, [Played(1)])
    monkeypatch.undo()
    with pytest.raises(JournalError, match="an earlier line could not be written"):
        opened.append(NOW, [Played(1)])
    opened.close()


def test_fsync_is_asked_for_only_if_wanted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for fsync in (False, True):
        opened = FileJournal.open(path, HEADER, State(), fsync=fsync)
        opened.append(NOW, [Played(1)])
        opened.close()
    assert len(synced) == 1


def test_every_line_is_json(path: Path) -> None:
    write(path, [trading().entries])
    for line in path.read_text().splitlines():
        assert isinstance(json.loads(line), dict)


@pytest.mark.parametrize(
    "values",
    [
        None,
        {"k": "nonsense"},
        {"k": "played"},
        {"k": "played", "position": "1"},
        {"k": "played", "position": True},
        {"k": "played", "position": 1, "more": 2},
        {"k": "granted", "account": "a", "asset": "B", "amount": "x"},
        {"k": "granted", "account": "a", "asset": "B", "amount": 1.5},
    ],
)
def test_an_entry_that_is_not_exactly_right_is_refused(values: dict[str, Any] | None) -> None:
    with pytest.raises(EntryError):
        decode(values)


def test_entries_survive_json() -> None:
    for entry in trading().entries:
        assert decode(json.loads(json.dumps(encode(entry)))) == entry


BEFORE_SELF_MATCHES = Path(__file__).parent / "data" / "journal_before_self_matches.jsonl"
"""Written by the version in which self-trade prevention ended orders without naming the match."""


def test_a_journal_from_before_prevented_matches_says_what_it_said(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(BEFORE_SELF_MATCHES.read_bytes())
    _, state = reopen(path)
    book = state.books["XRPUSDT"]
    shown = [
        f"{order.original_client_order_id} {order.status} {order.executed:f} {order.prevented:f}"
        for order in book.orders.values()
    ]
    assert shown == [
        "maker EXPIRED_IN_MATCH 0 5",
        "taker FILLED 3.0 0",
        "kept NEW 0 0",
        "stopped EXPIRED_IN_MATCH 10.0 10.0",
        "cut NEW 0 2",
        "archived CANCELED 0 0",
    ]
    numbers = [order.prevented_match for order in book.orders.values()]
    assert numbers == [0, None, None, 1, 2, None]
    assert book.prevented_matches == []  # their makers and takers are not on record
    assert [change.new_client_order_id for change in book.amendments[5]] == ["amended"]
    usdt, xrp = (state.accounts["a"].of(asset) for asset in ("USDT", "XRP"))
    assert (usdt.free, usdt.locked) == (D("9831.9"), D(38))
    assert (xrp.free, xrp.locked) == (D("10008.987"), D(4))
    assert {order.account for order in book.orders.values()} == {"a"}


def test_a_reset_is_on_record(path: Path) -> None:
    market = trading()
    market.keep(market.engine.reset(NOW))
    market.place("BUY", "9.00", 1)
    write(path, [market.entries])
    _, state = reopen(path)
    assert content(state) == content(market.state)
    assert list(journal.read(path).orders) == [("XRPUSDT", 1)]
