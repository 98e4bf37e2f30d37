"""The program itself: started, killed, started again; its flags; its refusals."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from paper_exchange import journal
from paper_exchange.core.errors import ConfigError
from paper_exchange.journal_history import history_of
from paper_exchange.protocol.limits import LimitSettings
from paper_exchange.shell import admin_cli, cli
from paper_exchange.shell.admin_client import call
from paper_exchange.shell.server import serve
from unit.paper_exchange.clients import CONFIG
from unit.paper_exchange.sockets import Socket

ROOT = Path(__file__).resolve().parents[3] / "trader_image"
SYMBOL = "XRPUSDT"
UNMEASURED = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
"""Of what is killed no coverage is saved, and to measure it would take most of its time."""


class Program:
    """A running `paper-exchange serve`."""

    def __init__(self, process: asyncio.subprocess.Process, api: str, admin: str) -> None:
        self.process = process
        self.api = api
        self.admin = admin

    async def kill(self) -> None:
        """Kill -9 it."""
        self.process.kill()
        await self.process.wait()


async def start(path: Path, *flags: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "paper_exchange", "serve", "--port", "0", "--admin-port", "0"),
        *("--journal", str(path), *flags),
        stderr=asyncio.subprocess.PIPE,
        env={**UNMEASURED, "PYTHONPATH": str(ROOT)},
    )


@asynccontextmanager
async def program(path: Path, *flags: str) -> AsyncIterator[Program]:
    """Run the program on ports of its own; kill it at the end if it still runs."""
    process = await start(path, *flags)
    assert process.stderr
    try:
        line = (await process.stderr.readline()).decode()
        found = re.search(r"on (ws://\S+), admin on (ws://\S+)", line)
        assert found, line + (await process.stderr.read()).decode()
        drain = asyncio.create_task(process.stderr.read())
        yield Program(process, found[1], found[2])
        drain.cancel()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Trader:
    """Places orders as fast as they are answered, and remembers what it was told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: dict[int, str] = {}
        self.reported: list[Any] = []
        self.public: list[int] = []

    async def trade(self, enough: asyncio.Event, fills: int) -> None:
        """Trade until the connection breaks; `enough` is set after so many reported fills."""
        base = self.url.removesuffix("/ws-api/v3")
        async with (
            connect(self.url) as connection,
            connect(f"{base}/ws/{SYMBOL.lower()}@trade") as stream,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._listen(stream))
            with contextlib.suppress(ConnectionClosed):
                await self._place(Socket(connection), enough, fills)

    async def _listen(self, stream: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.public.append(json.loads(await stream.recv())["t"])

    async def _place(self, client: Socket, enough: asyncio.Event, fills: int) -> None:
        await client.signed("userDataStream.subscribe.signature", key="paper")
        number = 0
        while True:
            number += 1
            price = Decimal((await client.call("ticker.price", symbol=SYMBOL))["result"]["price"])
            name = f"{os.getpid()}-{id(self)}-{number}"
            placed = await client.order(
                "BUY", f"{price * Decimal('0.9995'):.6f}", "40", newClientOrderId=name, key="paper"
            )
            if "result" in placed:
                self.acknowledged[placed["result"]["orderId"]] = name
            self.reported += [item["event"] for item in client.events]
            client.events.clear()
            if sum(event.get("x") == "TRADE" for event in self.reported) >= fills:
                enough.set()


@pytest.mark.timeout(180)  # three starts and three times fifteen fills, on a busy machine
async def test_kill_9_during_fills_loses_nothing_that_was_said(tmp_path: Path) -> None:
    """Three times: what was said before is in the journal, and the market goes on after it.

    The journal is compacted several times a second meanwhile.
    """
    path = tmp_path / "journal.jsonl"
    market = ("--synthetic-symbols", SYMBOL, "--speed", "60", "--order-limit", "0")
    flags = (*market, "--compact-after", "0.01")
    highest_public, instances, orders = 0, set(), 0
    for _ in range(3):
        async with program(path, *flags, "--weight-limit", "0") as running:
            status = await call(running.admin, "status")
            instances.add(status["instance"])
            assert status["symbols"][SYMBOL]["lastTradeId"] >= highest_public
            trader, enough = Trader(running.api), asyncio.Event()
            trading = asyncio.create_task(trader.trade(enough, fills=15))
            await asyncio.wait_for(enough.wait(), 30)
            await running.kill()
            await asyncio.wait_for(trading, 20)
        check_record(path, trader)
        assert trader.public == list(range(trader.public[0], trader.public[-1] + 1))
        assert trader.public[0] > highest_public
        highest_public = trader.public[-1]
        orders += len(trader.acknowledged)
    assert len(instances) == 1
    assert len(journal.read(path).orders) >= orders
    assert history_of(path).stat().st_size > 0


def check_record(path: Path, trader: Trader) -> None:
    audit = journal.read(path)
    for order_id, name in trader.acknowledged.items():
        assert audit.orders[SYMBOL, order_id].client_order_id == name
    fills = {(fill.order_id, fill.trade_id): fill for fill in audit.fills}
    reports = [event for event in trader.reported if event.get("x") == "TRADE"]
    assert len(reports) >= 15
    for event in reports:
        fill = fills[event["i"], event["t"]]
        assert (fill.price, fill.quantity) == (Decimal(event["L"]), Decimal(event["l"]))
        assert (fill.commission, fill.time) == (Decimal(event["n"]), event["T"])


async def test_sigterm_stops_it_in_order(tmp_path: Path) -> None:
    async with program(tmp_path / "j", "--manual", SYMBOL) as running:
        connection = await connect(running.api)
        running.process.send_signal(signal.SIGTERM)
        assert json.loads(await connection.recv())["event"]["e"] == "serverShutdown"
        assert await asyncio.wait_for(running.process.wait(), 10) == 0


async def test_a_second_exchange_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j"
    async with program(path, "--manual", SYMBOL):
        second = await start(path, "--manual", SYMBOL)
        _, said = await second.communicate()
    assert second.returncode == 1
    assert said.decode() == f"Error: {path}: another exchange is using this journal\n"


def invoke(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(cli.main, arguments, env=environment)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--recording", "missing.csv", "--symbol", "XRPETH"], "missing.csv:1: cannot be read"),
        (["--synthetic-symbols", "nonsense"], "is no symbol with a known quote asset"),
        (["--manual", "XRPUSDT", "--balances", "USDT=lots"], "balance of 'USDT' is not a number"),
        (["--manual", "XRPUSDT", "--balances", "USDT=-1"], "must be between 0 and 1e15"),
        (["--manual", "XRPUSDT", "--accounts", "missing.json"], "not an accounts file"),
        (["--manual", "XRPUSDT", "--speed", "0"], "speed must be more than 0"),
        (["--manual", "XRPUSDT", "--participation", "1.5"], "participation must be"),
        (["--manual", "XRPUSDT", "--taker-fee", "1"], "a fee must be less than 1"),
        (["--manual", "XRPUSDT", "--page-limit", "0"], "the page limit must be at least 1"),
        (["--manual", "XRPUSDT", "--filters", "missing.json"], "not a filters file"),
        (["--manual", "XRPUSDT", "--tls-key", "key.pem"], "TLS needs both: a certificate"),
        (["--manual", "XRPUSDT", "--commissions", "no.json"], "not a file of commissions"),
        (["--manual", "XRPUSDT", "--compact-after", "0"], "cannot be compacted after less than"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("serve", "--port", "0", "--admin-port", "0", *flags)
    assert result.exit_code == 1
    assert message in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("value", ["-1", "nan", "fast"])
def test_a_flag_that_is_no_number_is_refused(value: str) -> None:
    result = invoke("serve", "--speed", value)
    assert result.exit_code == 2
    assert "--speed" in result.output


def test_every_flag_is_an_environment_variable_and_help_says_so() -> None:
    text = re.sub(r"\s+", " ", invoke("serve", "--help").output)
    for option in cli.serve.params:
        assert option.name
        assert f"env var: PAPER_EXCHANGE_{option.name.upper()}" in text


def test_settings_are_read_from_files_and_the_environment(tmp_path: Path) -> None:
    accounts, filters = tmp_path / "accounts.json", tmp_path / "filters.json"
    accounts.write_text(
        '[{"name":"a","keys":[{"apiKey":"k","secret":"s"}],"balances":{"USDT":"5"}},'
        '{"keys":[{"apiKey":"k2","secret":"s"}],"balances":{},"tradeGroupId":7}]'
    )
    filters.write_text('{"XRPUSDT":{"tickSize":"0.01","stepSize":"0.1","maxNumOrders":5}}')
    config = made(
        PAPER_EXCHANGE_ACCOUNTS=str(accounts),
        PAPER_EXCHANGE_FILTERS=str(filters),
        PAPER_EXCHANGE_MANUAL="XRPUSDT, BTCUSDT,XRPUSDT",
        PAPER_EXCHANGE_MAKER_FEE="0",
    )
    assert [account.name for account in config.accounts] == ["a", "k2"]
    assert [account.trade_group for account in config.accounts] == [None, 7]
    assert config.filters["XRPUSDT"]["maxNumOrders"] == 5
    assert [symbol.name for symbol in config.source.symbols] == ["XRPUSDT", "BTCUSDT"]
    assert (config.fees.standard.maker, config.fees.standard.taker) == (0, Decimal("0.001"))


def test_limits_tls_and_commissions_are_settings(tmp_path: Path) -> None:
    commissions = tmp_path / "commissions.json"
    commissions.write_text('[{"symbol": "XRPUSDT"}]')
    config = made(
        PAPER_EXCHANGE_WEIGHT_LIMIT="1",
        PAPER_EXCHANGE_ORDER_LIMIT="2",
        PAPER_EXCHANGE_DAILY_ORDER_LIMIT="3",
        PAPER_EXCHANGE_RAW_REQUEST_LIMIT="4",
        PAPER_EXCHANGE_CONNECTION_LIMIT="5",
        PAPER_EXCHANGE_MESSAGE_LIMIT="6",
        PAPER_EXCHANGE_BAN_AFTER="7",
        PAPER_EXCHANGE_TLS_CERT="cert.pem",
        PAPER_EXCHANGE_TLS_KEY="key.pem",
        PAPER_EXCHANGE_COMMISSIONS=str(commissions),
    )
    assert config.limits == LimitSettings(1, 2, 3, 4, 5, 6, 7)
    assert (config.tls_cert, config.tls_key) == (Path("cert.pem"), Path("key.pem"))
    assert list(config.commissions) == [(None, "XRPUSDT")]


@pytest.mark.parametrize("text", ["[]", '{"exchange": 5}'])
def test_a_filters_file_is_an_object_of_objects(tmp_path: Path, text: str) -> None:
    path = tmp_path / "filters.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"filters\.json: not a filters file: an object of obj"):
        made(PAPER_EXCHANGE_FILTERS=str(path))


def test_a_trade_group_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text('[{"keys":[{"apiKey":"k","secret":"s"}],"balances":{},"tradeGroupId":"x"}]')
    with pytest.raises(ConfigError, match="tradeGroupId must be a number from 0: 'x'"):
        made(PAPER_EXCHANGE_ACCOUNTS=str(path))


def test_commission_in_bnb_is_a_setting() -> None:
    config = made(
        PAPER_EXCHANGE_BNB_FEES="true",
        PAPER_EXCHANGE_BNB_PRICE="600",
        PAPER_EXCHANGE_BNB_DISCOUNT="0.5",
        PAPER_EXCHANGE_TAX_FEE="0.01",
    )
    assert config.bnb_fees.pays("anybody")
    assert (config.bnb_fees.prices, config.bnb_fees.discount) == ({"USDT": 600}, Decimal("0.5"))
    assert config.fees.tax.maker == Decimal("0.01")
    assert not made().bnb_fees.pays("anybody")


def test_parts_of_a_recording_are_separated_by_colons(tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("one.csv", "two.csv")]
    for number, part in enumerate(parts):
        part.write_text(f"{number},0.5,10,1,1,157075201162{number},true\n")
    config = made(
        PAPER_EXCHANGE_RECORDING=":".join(map(str, parts)),
        PAPER_EXCHANGE_SYMBOL="XRPUSDT",
        PAPER_EXCHANGE_LOOP="true",
    )
    assert config.source.name.startswith("recording one.csv,two.csv events=2")


def made(**environment: str) -> Any:
    """Return the configuration that the environment makes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with cli.serve.make_context("serve", []) as context:
            return cli._config(context.params)


async def test_the_admin_command_prints_json_and_refuses_in_one_line() -> None:
    async with serve(CONFIG) as exchange:

        def run(*arguments: str) -> Any:
            variable = {"PAPER_EXCHANGE_ADMIN_URL": exchange.admin_url}
            return CliRunner().invoke(admin_cli.admin, arguments, env=variable)

        for arguments in (
            ["pause"],
            ["resume"],
            ["speed", "2"],
            ["step", "3"],
            ["trade", "XRPUSDT", "0.5", "10", "SELL"],
            ["symbol-status", "XRPUSDT", "TRADING"],
            ["deposit", "USDT", "--account", "b", "--", "-5"],
            ["balance", "XRP", "7"],
            ["bnb-fees", "on", "--account", "b", "--price", "600"],
            ["mute", "trades", "--also-new"],
            ["ban", "0"],
            ["fault", "rows-missing", "myTrades", "--for-ms", "5", "--order-id", "1"],
            ["forget", "--account", "b"],
            ["status"],
        ):
            result = await asyncio.to_thread(run, *arguments)
            assert result.exit_code == 0, result.output
            assert isinstance(json.loads(result.output), dict)
        for arguments in (
            ["expire", "XRPUSDT", "9"],
            ["amend", "XRPUSDT", "9", "5", "--client-order-id", "web_1"],
            ["prevent", "XRPUSDT", "9", "5", "--end", "FILLED"],
            ["archive", "XRPUSDT", "9"],
        ):
            refused = await asyncio.to_thread(run, *arguments)
            assert (refused.exit_code, refused.output) == (1, "Error: no such order\n")
