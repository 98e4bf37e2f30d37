"""Recordings are checked whole and played exactly; a synthetic market follows from its seed."""

import gzip
import json
import zipfile
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange.core.market import MarketQuote, MarketTrade
from paper_exchange.core.orders import Side
from paper_exchange.core.symbols import symbol_at
from paper_exchange.core.symbols import symbol_of as symbol_seen
from paper_exchange.market.mirror import Centre, turned
from paper_exchange.market.recording import Recording
from paper_exchange.market.source import MarketEvent, Source, SourceError
from paper_exchange.market.synthetic import Synthetic, Walk
from unit.paper_exchange.builders import D

HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,time_ms,buyer_is_maker"
ROWS = [
    "1,0.00141342,23.00000000,1,1,1570752011620,true",
    "2,0.00141266,54.00000000,2,2,1570752011620,false",
    "3,0.00150000,8.00000000,3,4,1570752017964,True",
]


def nobody(_: str) -> None:
    return None


def played(source: Source, position: int = 0) -> list[MarketEvent]:
    return list(source.play(position, nobody))


def csv(tmp_path: Path, *rows: str, name: str = "trades.csv", header: bool = True) -> Path:
    path = tmp_path / name
    text = "\n".join(([HEADER] if header else []) + list(rows)) + "\n"
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    elif name.endswith(".zip"):
        zipped(path, {"folder/": "", "folder/trades.csv": text})
    else:
        path.write_text(text)
    return path


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def raw_trade(time: int, price: str, *, seller_aggressed: bool = True) -> str:
    data = {
        "e": "trade", "E": time, "s": "BTCUSDT", "t": 5, "p": price, "q": "0.02000000",
        "T": time, "m": seller_aggressed, "M": True,
    }  # fmt: skip
    return f"1723161254087896568 {json.dumps({'stream': 'btcusdt@trade', 'data': data})}"


def raw_quote(bid: str, ask: str) -> str:
    data = {"u": 1, "s": "BTCUSDT", "b": bid, "B": "3.0", "a": ask, "A": "1.5"}
    return f"1723161254087896569 {json.dumps({'stream': 'btcusdt@bookTicker', 'data': data})}"


def raw(tmp_path: Path, *lines: str, name: str = "raw") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


class TestAggregateTrades:
    @pytest.mark.parametrize("name", ["trades.csv", "trades.csv.gz", "trades.zip"])
    @pytest.mark.parametrize("header", [True, False])
    def test_every_row_is_played_in_order(self, tmp_path: Path, name: str, header: bool) -> None:
        path = csv(tmp_path, *ROWS, name=name, header=header)
        events = played(Recording((path,), "XRPETH"))
        assert events[0] == MarketEvent(
            1, 1570752011620, MarketTrade("XRPETH", D("0.00141342"), D(23), buyer_is_maker=True)
        )
        assert [event.position for event in events] == [1, 2, 3]
        assert [seller_aggressed(event) for event in events] == [
            True,
            False,
            True,
        ]

    def test_its_symbol_has_the_precision_seen(self, tmp_path: Path) -> None:
        (symbol,) = Recording((csv(tmp_path, *ROWS),), "XRPETH").symbols
        assert (symbol.base, symbol.quote) == ("XRP", "ETH")
        assert symbol.filters.tick_size == D("0.00000001")
        assert symbol.filters.step_size == 1
        assert symbol.filters.min_notional == D("0.001")

    def test_the_median_quantity_is_known(self, tmp_path: Path) -> None:
        assert Recording((csv(tmp_path, *ROWS),), "XRPETH").typical_trade == {"XRPETH": 23}

    def test_public_dumps_have_microseconds_and_an_eighth_column(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "1,1.5,2,1,1,1735689600123456,true,true", header=False)
        assert played(Recording((path,), "XRPUSDT"))[0].time == 1735689600123

    @pytest.mark.parametrize("time", ["1735689600123", "1735689600123456"])
    @pytest.mark.parametrize(
        "header", ["", "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n"]
    )
    @pytest.mark.parametrize("best_match", [",True", ""])
    def test_a_published_zip_of_single_trades_is_played(
        self, tmp_path: Path, time: str, header: str, best_match: str
    ) -> None:
        row = f"7,1.5,2,3.0,{time},False{best_match}\n"
        path = zipped(tmp_path / "XRPUSDT-trades.zip", {"XRPUSDT-trades.csv": header + row})
        assert played(Recording((path,), "XRPUSDT")) == [
            MarketEvent(
                1, 1735689600123, MarketTrade("XRPUSDT", D("1.5"), D(2), buyer_is_maker=False)
            )
        ]

    def test_a_zip_is_played_again_from_any_position(self, tmp_path: Path) -> None:
        recording = Recording((csv(tmp_path, *ROWS, name="trades.zip"),), "XRPETH", loop=True)
        first = list(islice(recording.play(2, nobody), 3))
        assert [event.position for event in first] == [3, 4, 5]

    def test_it_must_be_told_its_symbol(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="does not say its symbol"):
            Recording((csv(tmp_path, *ROWS),))

    @pytest.mark.parametrize(
        "row",
        [
            "",
            "nonsense",
            "3,0.0015,8,3,4,1570752017964",
            "3,zero,8,3,4,1570752017964,true",
            "3,0,8,3,4,1570752017964,true",
            "3,NaN,8,3,4,1570752017964,true",
            "3,0.001500001,8,3,4,1570752017964,true",
            "3,0.0015,-8,3,4,1570752017964,true",
            "3,0.0015,8,3,4,later,true",
            "3,0.0015,8,3,4,1570752017964,perhaps",
            "3,0.0015,8,0.012,1570752017964,perhaps",
            "3,0.0015,8,0.012,1570752017964,perhaps,true",
            "3,0.0015,8,0.012,0.5,true,true",
        ],
    )
    def test_a_corrupt_row_is_refused_with_file_and_line(self, tmp_path: Path, row: str) -> None:
        path = csv(tmp_path, ROWS[0], row, ROWS[1])
        with pytest.raises(SourceError, match=r"trades\.csv:3: not a trade"):
            Recording((path,), "XRPETH")


class TestRawStream:
    def test_trades_and_quotes_are_played_at_the_payloads_time(self, tmp_path: Path) -> None:
        path = raw(
            tmp_path,
            '1723161253937085768 {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"}}',
            raw_quote("9.8", "9.9"),
            raw_trade(1000, "10.00"),
            '1723161254206652067 {"lastUpdateId":50093239218,"bids":[]}',
            raw_quote("9.99", "10.01"),
            raw_trade(2000, "10.01", seller_aggressed=False),
        )
        recording = Recording((path,))
        events = played(recording)
        assert [event.time for event in events] == [1000, 1000, 2000]
        assert events[1].event == MarketQuote("BTCUSDT", D("9.99"), D(3), D("10.01"), D("1.5"))
        assert not recording.trades_only

    def test_files_are_parts_of_one_recording(self, tmp_path: Path) -> None:
        parts = (
            raw(tmp_path, raw_trade(1000, "10.00"), name="one"),
            raw(tmp_path, raw_trade(2000, "10.01"), name="two"),
        )
        recording = Recording(parts)
        assert [event.position for event in played(recording)] == [1, 2]
        assert recording.trades_only
        assert [symbol.name for symbol in recording.symbols] == ["BTCUSDT"]

    @pytest.mark.parametrize(
        "line",
        [
            "nonsense",
            "172 {",
            '172 {"stream":"btcusdt@trade","data":{"e":"trade"}}',
            '172 {"stream":"btcusdt@trade","data":[]}',
            raw_trade(1000, "0.0"),
            raw_trade(1000, "x"),
            raw_quote("-1", "2"),
            raw_trade(1000, "10.00")[:-30],
        ],
    )
    def test_a_corrupt_line_is_refused_with_file_and_line(self, tmp_path: Path, line: str) -> None:
        path = raw(tmp_path, raw_trade(1000, "10.00"), line, raw_trade(1001, "10.00"))
        with pytest.raises(SourceError, match=r"raw:2: not a recorded stream message"):
            Recording((path,))


class TestRefusals:
    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.csv"
        path.touch()
        with pytest.raises(SourceError, match=r"empty\.csv:1: the recording is empty"):
            Recording((path,), "XRPETH")

    def test_a_recording_without_a_trade_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no trade in the recording"):
            Recording((csv(tmp_path),), "XRPETH")

    def test_a_missing_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="missing:1: cannot be read"):
            Recording((tmp_path / "missing",), "XRPETH")

    def test_a_truncated_archive_is_refused(self, tmp_path: Path) -> None:
        path = csv(tmp_path, *ROWS * 50, name="trades.csv.gz")
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(SourceError, match=r"trades\.csv\.gz:\d+: cannot be read"):
            Recording((path,), "XRPETH")

    @pytest.mark.parametrize(
        ("names", "reason"),
        [
            ([], "there is no file in the zip: give one with one CSV in it"),
            (["folder/"], "there is no file in the zip"),
            (["a.csv", "b.csv"], r"2 files in the zip \(a.csv, b.csv\): unpack it, and give each"),
            (["a", "b", "c", "d"], r"4 files in the zip \(a, b, c, …\)"),
        ],
    )
    def test_a_zip_without_one_file_is_refused(
        self, tmp_path: Path, names: list[str], reason: str
    ) -> None:
        path = zipped(tmp_path / "day.zip", dict.fromkeys(names, ROWS[0]))
        with pytest.raises(SourceError, match=rf"day\.zip: .*{reason}"):
            Recording((path,), "XRPETH")

    @pytest.mark.parametrize("damage", ["cut", "flipped", "header", "encrypted", "unknown"])
    def test_a_corrupt_zip_is_refused(self, tmp_path: Path, damage: str) -> None:
        path = csv(tmp_path, *ROWS, name="day.zip")
        data = bytearray(path.read_bytes())
        directory, middle = data.rfind(b"PK\x01\x02"), data.rfind(b"trades.csv", 0, 300) + 40
        if damage == "cut":
            del data[-30:]
        elif damage == "flipped":
            data[middle] ^= 0xFF
        elif damage == "header":
            data[data.rfind(b"PK\x03\x04")] = 0
        elif damage == "encrypted":
            data[directory + 8] |= 1
        else:
            data[directory + 10] = 99
        path.write_bytes(data)
        with pytest.raises(SourceError, match=r"day\.zip:\d+: cannot be read: .*download it again"):
            Recording((path,), "XRPETH")

    def test_binary_rubbish_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "rubbish"
        path.write_bytes(b"\xff\xfe\x00rubbish")
        with pytest.raises(SourceError, match="rubbish:1: cannot be read"):
            Recording((path,), "XRPETH")


class TestPosition:
    @pytest.mark.parametrize("position", [0, 1, 2, 3, 5, 8])
    def test_playing_goes_on_from_any_position(self, tmp_path: Path, position: int) -> None:
        recording = Recording((csv(tmp_path, *ROWS),), "XRPETH", loop=True)
        whole = list(islice(recording.play(0, nobody), 12))
        rest = list(islice(recording.play(position, nobody), 12 - position))
        assert rest == whole[position:]

    def test_a_recording_played_to_its_end_has_nothing_more(self, tmp_path: Path) -> None:
        assert played(Recording((csv(tmp_path, *ROWS),), "XRPETH"), 3) == []

    def test_a_name_tells_recordings_apart(self, tmp_path: Path) -> None:
        names = {
            Recording((csv(tmp_path, *ROWS),), "XRPETH").name,
            Recording((csv(tmp_path, *ROWS),), "XRPETH", loop=True).name,
            Recording((csv(tmp_path, *ROWS[:2]),), "XRPETH").name,
        }
        assert len(names) == 3


class TestLoop:
    def test_a_loop_never_jumps_and_never_drifts(self, tmp_path: Path) -> None:
        recording = Recording((csv(tmp_path, *ROWS),), "XRPETH", loop=True)
        prices = [price(event) for event in islice(recording.play(0, nobody), 12)]
        first, last = D("0.00141342"), D("0.00150000")
        assert prices[2] == prices[3] == last
        assert prices[5] == prices[6] == first
        assert prices[8] == prices[9] == last

    def test_time_goes_on(self, tmp_path: Path) -> None:
        recording = Recording((csv(tmp_path, *ROWS),), "XRPETH", loop=True)
        times = [event.time for event in islice(recording.play(0, nobody), 12)]
        assert times == sorted(times)
        assert times[3] > times[2]

    def test_a_mirrored_bid_is_an_ask(self) -> None:
        centres = {"BTCUSDT": Centre(D(100), D(100), D("0.01"))}
        quote = MarketQuote("BTCUSDT", D(99), D(3), D(101), D(5))
        assert turned(quote, centres) == MarketQuote("BTCUSDT", D("99.00"), D(5), D("101.02"), D(3))
        empty = MarketQuote("BTCUSDT", D(0), D(0), D(101), D(5))
        assert turned(empty, centres) == MarketQuote("BTCUSDT", D("99.00"), D(5), D(0), D(0))

    def test_mirrored_sellers_are_buyers(self) -> None:
        centres = {"BTCUSDT": Centre(D(100), D(100), D("0.01"))}
        trade = MarketTrade("BTCUSDT", D(80), D(3), buyer_is_maker=True)
        assert turned(trade, centres) == MarketTrade("BTCUSDT", D(125), D(3), buyer_is_maker=False)


class TestSynthetic:
    NAMES = ("XRPUSDT", "BTCUSDT", "SYM00USDT", "XRPETH", "LINKBTC")

    def walk(self, seed: int = 1, count: int = 3000, **more: Any) -> list[MarketEvent]:
        return list(islice(follow(Synthetic(self.NAMES, seed, Walk(**more))), count))

    def test_the_same_seed_is_the_same_market(self) -> None:
        assert self.walk() == self.walk()
        assert self.walk() != self.walk(seed=2)

    @settings(deadline=None)
    @given(st.integers(0, 400))
    def test_it_goes_on_where_it_stopped(self, position: int) -> None:
        source = Synthetic(self.NAMES, 1)
        whole = list(islice(follow(source), 420))
        prices = {symbol_of(event): price(event) for event in whole[:position]}
        rest = list(islice(source.play(position, prices.get), 5))
        assert rest[0] == whole[position]

    def test_time_never_goes_back_and_keeps_the_rate(self) -> None:
        times = [event.time for event in self.walk(rate=D(4))]
        assert times == sorted(times)
        assert 145_000 < times[-1] - times[0] < 155_000  # 3000 trades of 5 symbols at 4 a second

    def test_prices_and_quantities_pass_the_filters(self) -> None:
        source = Synthetic(self.NAMES, 1)
        filters = {symbol.name: symbol.filters for symbol in source.symbols}
        for event in islice(follow(source), 2000):
            rules = filters[symbol_of(event)]
            assert isinstance(event.event, MarketTrade)
            assert event.event.price % rules.tick_size == 0
            assert event.event.quantity % rules.step_size == 0
            assert event.event.quantity >= rules.step_size

    def test_a_bot_of_five_chunks_finds_dips_and_rises(self) -> None:
        """Within two minutes of one symbol: falls of 0.5 % and rises of 0.5 %, several times."""
        source = Synthetic(("XRPUSDT",), 1)
        prices = [price(event) for event in islice(follow(source), 480)]
        turns, extreme, falling = 0, prices[0], True
        for at in prices:
            extreme = min(extreme, at) if falling else max(extreme, at)
            moved = (at - extreme) / extreme
            if (moved > D("0.005")) if falling else (moved < D("-0.005")):
                turns, extreme, falling = turns + 1, at, not falling
        assert turns > 10

    def test_the_mean_rises_for_hours_and_falls_back(self) -> None:
        walk = Walk()
        hour = 3600 * 4
        assert walk.mean(0) == 1
        assert walk.mean(4 * hour) == D("2.44")
        assert walk.mean(4 * hour + hour // 3) == 1
        assert walk.mean(2 * hour) == walk.mean(4 * hour + hour // 6) == D("1.72")

    def test_both_sides_aggress(self) -> None:
        sides = [seller_aggressed(event) for event in self.walk()]
        assert 0.3 < sum(sides) / len(sides) < 0.7


@pytest.mark.parametrize(
    ("name", "level", "tick", "step"),
    [
        ("BTCUSDT", "60000", "0.01", "0.000001"),
        ("XRPUSDT", "0.5", "0.000001", "1"),
        ("XRPETH", "0.0015", "0.00000001", "1"),
        ("ETHBTC", "0.05", "0.0000001", "0.1"),
    ],
)
def test_filters_suit_the_price_level(name: str, level: str, tick: str, step: str) -> None:
    filters = symbol_at(name, D(level)).filters
    assert (filters.tick_size, filters.step_size) == (D(tick), D(step))


def test_a_step_is_coarse_enough_for_exact_values() -> None:
    """Prices in 1e-6 and quantities in 1e-4, as ETHBTC has them, would need ten decimals."""
    filters = symbol_seen("ETHBTC", 6, 4).filters
    assert (filters.tick_size, filters.step_size) == (D("0.000001"), D("0.01"))


def follow(source: Synthetic) -> Any:
    """Play with prices that follow, as the exchange does."""
    prices: dict[str, Decimal] = {}
    for event in source.play(0, prices.get):
        prices[symbol_of(event)] = price(event)
        yield event


def seller_aggressed(event: MarketEvent) -> bool:
    assert isinstance(event.event, MarketTrade)
    return event.event.buyer_is_maker


def symbol_of(event: MarketEvent) -> str:
    return event.event.symbol


def price(event: MarketEvent) -> Decimal:
    assert isinstance(event.event, MarketTrade)
    return event.event.price


def test_sides_are_opposite() -> None:
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
