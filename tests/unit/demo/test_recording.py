"""Recordings are checked before anything is started, and each is told apart."""

import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from demo import market, recording
from localcluster.failure import LocalClusterError

HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,time_ms,buyer_is_maker\n"
CSV = "1,0.00141342,23.0,10,10,1570752011620,true\n2,0.00141266,54.0,11,12,1570755611620,false\n"
SINGLE_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n"
SINGLE = (
    "1,0.00141342,23.0,0.0325,1570752011620,True,True\n"
    "2,0.00141266,54.0,0.0762,1570755611620,False,True\n"
)
RAW = (
    '1723161255000000000 {"stream":"btcusdt@bookTicker","data":{"s":"BTCUSDT"}}\n'
    '1723161256000000000 {"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}\n'
)


def zipped(*texts: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"{number}.csv", text)
    return packed.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "market"


@pytest.mark.parametrize("text", [CSV, HEADER + CSV, (HEADER + CSV).replace("\n", "\r\n")])
@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_is_read_packed_or_not_with_a_header_or_without(
    file: Path, text: str, packed: bool
) -> None:
    file.write_bytes(gzip.compress(text.encode(), mtime=0) if packed else text.encode())
    found = recording.load(file, "XRPETH")
    assert (found.name, found.symbol, found.seconds) == ("market", "XRPETH", 3600)


@pytest.mark.parametrize("text", [CSV, SINGLE, SINGLE_HEADER + SINGLE])
def test_a_published_zip_is_read(file: Path, text: str) -> None:
    file.write_bytes(zipped(text))
    found = recording.load(file, "XRPETH")
    assert (found.seconds, found.content) == (3600, file.read_bytes())


def test_times_in_microseconds_are_recognised(file: Path) -> None:
    file.write_text(CSV.replace("11620,", "11620000,"))
    assert recording.load(file, "XRPETH").seconds == 3600


@pytest.mark.parametrize("symbol", [None, "BTCUSDT"])
def test_a_raw_stream_says_its_symbol(file: Path, symbol: str | None) -> None:
    file.write_text(RAW)
    found = recording.load(file, symbol)
    assert (found.symbol, found.seconds) == ("BTCUSDT", 1)


@pytest.mark.parametrize(
    ("content", "symbol", "reason"),
    [
        (b"", "XRPETH", "the recording is empty"),
        (gzip.compress(b"", mtime=0), "XRPETH", "the recording is empty"),
        (HEADER.encode(), "XRPETH", "no trade"),
        (CSV.encode(), None, "add SYMBOL="),
        (f"{CSV}3,0.0014,".encode(), "XRPETH", ":3: neither"),
        (f"{HEADER}nonsense".encode(), "XRPETH", ":2: neither"),
        (gzip.compress(CSV.encode(), mtime=0)[:-9], "XRPETH", "damaged"),
        (b"\x1f\x8bnonsense", "XRPETH", "damaged"),
        (b"\xff\xfe", "XRPETH", "damaged"),
        (zipped(CSV)[:-9], "XRPETH", "damaged"),
        (zipped(), "XRPETH", "0 files in the zip"),
        (zipped(CSV, CSV), "XRPETH", "2 files in the zip; give one with one CSV"),
        (RAW.encode(), "XRPETH", "no trade of XRPETH, only of BTCUSDT"),
        (RAW.splitlines()[0].encode(), None, "no trade"),
        (f"{RAW}nonsense".encode(), None, ":3: neither"),
    ],
)
def test_what_cannot_be_played_is_refused_by_file_and_reason(
    file: Path, content: bytes, symbol: str | None, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(LocalClusterError, match=reason) as refused:
        recording.load(file, symbol)
    assert str(refused.value).startswith(str(file))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalClusterError, match="No such file"):
        recording.load(tmp_path / "none", None)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalClusterError, match="Is a directory"):
        recording.load(tmp_path, None)


def test_a_file_that_the_exchange_could_not_hold_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SIZE_MAX", 3)
    file.write_bytes(b"1234")
    with pytest.raises(LocalClusterError, match="larger than"):
        recording.load(file, None)


def played(file: Path, text: str, symbol: str, speed: Decimal | None = None) -> market.Market:
    file.write_text(text)
    return market.recorded(recording.load(file, symbol), speed, loop=False)


def journal(played: market.Market) -> str:
    return next(each for each in played.arguments if each.startswith("--journal="))


def test_every_recording_and_symbol_has_a_journal_of_its_own(file: Path) -> None:
    first = played(file, CSV, "XRPETH")
    assert journal(first) == journal(played(file, CSV, "XRPETH", Decimal(7)))
    assert journal(first) != journal(played(file, CSV, "XRPBTC"))
    assert journal(first) != journal(played(file, HEADER + CSV, "XRPETH"))


@pytest.mark.parametrize(("speed", "said"), [(None, "10"), (Decimal("2.5"), "2.5")])
def test_a_recording_takes_six_minutes_unless_a_speed_is_asked_for(
    file: Path, speed: Decimal | None, said: str
) -> None:
    assert f"--speed={said}" in played(file, CSV, "XRPETH", speed).arguments


def test_a_recording_is_never_slower_than_it_was(file: Path) -> None:
    assert "--speed=1" in played(file, RAW, "BTCUSDT").arguments


def test_a_recording_waits_for_its_leader(file: Path) -> None:
    assert "--paused" in played(file, RAW, "BTCUSDT").arguments


def test_a_recording_is_looped_on_request(file: Path) -> None:
    file.write_text(RAW)
    looped = market.recorded(recording.load(file, None), None, loop=True)
    assert "--loop" in looped.arguments
    assert "--loop" not in played(file, RAW, "BTCUSDT").arguments


def test_the_synthetic_market_is_the_overlays_own() -> None:
    assert market.synthetic(None, None) == market.Market("XRPUSDT", "synthetic", ())
    assert market.synthetic("BTCUSDT", Decimal(2)).arguments == ("--speed=2",)


@pytest.mark.parametrize(
    ("symbol", "budget"), [("XRPUSDT", "100"), ("XRPETH", "1"), ("XRPBTC", "0.1")]
)
def test_the_budget_suits_the_quote_asset(symbol: str, budget: str) -> None:
    made = market.resource(symbol, "trading")
    assert made["metadata"] == {"name": symbol.lower(), "namespace": "trading"}
    assert made["spec"] == {"status": "on", "budget": budget, "chunks": 5, "maxBuyAge": "1m"}
