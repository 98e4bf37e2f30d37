"""`symbol-trader run FILE` as a person uses it: real processes, real sockets, real PostgreSQL."""

import signal
import socket
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from support.books import Comparison, compare
from support.by_hand import ONE_TRADER, trade, with_a_sell
from support.processes import Bot, Venue, key_folder, start, until, venue

FAST = ("--speed", "20")
RECONCILE_S = "2"
"""Seldom enough that five traders stay within the exchange's request weight."""
SOLD = r"trader finished.*why=sold"
SELLS_REST = {"profitInterval": "15%"}
"""The market does not rise so far."""
LONG = pytest.mark.timeout(600)


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a synthetic market at twenty times its pace."""
    async with venue(tmp_path / "journal.jsonl", *FAST) as exchange:
        yield exchange


@pytest.fixture
async def still(tmp_path: Path) -> AsyncIterator[Venue]:
    """Run a market that moves by the test's hand alone."""
    async with venue(
        tmp_path / "journal.jsonl", "--manual", "XRPUSDT", "--balances", "USDT=1000"
    ) as v:
        yield v


@pytest.fixture
async def bot(tmp_path: Path, market: Venue, database: str) -> AsyncIterator[Bot]:
    """Prepare a bot on the synthetic market; at the end it is gone."""
    async with _bot(tmp_path, market, database) as prepared:
        yield prepared


class _bot:  # noqa: N801 - used like a function
    def __init__(self, folder: Path, exchange: Venue, database: str) -> None:
        self.bot = Bot(folder / "xrpusdt.yaml", exchange, database, ("--reconcile-s", RECONCILE_S))
        self.bot.ask(status="on")

    async def __aenter__(self) -> Bot:
        return self.bot

    async def __aexit__(self, *_: object) -> None:
        await self.bot.kill()


async def rows(database: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
    """Read rows of the record."""
    connection = await asyncpg.connect(database)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()


async def books(exchange: Venue, database: str) -> Comparison:
    """Pause the market, wait until the leader has caught up, and compare."""
    await exchange.admin("pause")
    comparison: Comparison | None = None

    async def agree() -> bool:
        nonlocal comparison
        comparison = await compare(exchange.journal, database, "XRPUSDT")
        return not comparison.differences

    try:
        await until(agree, within_s=60, every_s=0.3)
    except TimeoutError:
        assert comparison
        pytest.fail("\n".join(comparison.differences))
    await exchange.admin("resume")
    assert comparison
    return comparison


@LONG
async def test_the_books_agree_after_kills_while_fills_happen(bot: Bot, market: Venue) -> None:
    """At least 20 cycles and 5 partially filled orders, and the leader killed amid fills."""
    for _ in range(3):
        running = await bot.start()
        await running.said(SOLD, times=4, within_s=150)
        await running.said("partially filled")
        await bot.kill()
    running = await bot.start()
    await running.said(SOLD, times=20, within_s=200)

    comparison = await books(market, bot.database)

    assert comparison.cycles >= 20
    assert comparison.partial_orders >= 5
    assert comparison.fills > comparison.orders


@LONG
async def test_the_watermark_reaches_the_exchanges_last_trade(bot: Bot, market: Venue) -> None:
    """Reconciliation, and nothing else, moves the cursor; it catches up when the market rests."""
    running = await bot.start()
    await running.said(SOLD, times=2, within_s=150)
    await books(market, bot.database)
    await market.admin("pause")

    async def caught_up() -> bool:
        found = await rows(
            bot.database,
            "SELECT watermark = (SELECT max(trade_id) FROM fills) AS there FROM owners",
        )
        return bool(found[0]["there"])

    await until(caught_up)


@LONG
async def test_a_shutdown_finishes_what_is_open_and_writes_off(bot: Bot, market: Venue) -> None:
    """No trader starts, rebuys are ignored, the last one finishes, off stands in the file."""
    running = await bot.start()
    await running.said("placing sell", times=3, within_s=150)
    bot.ask(status="shutdown")
    await running.said("shutdown initiated")
    started = running.count("initialising trader")

    assert await running.ended(within_s=200) == 0

    assert running.count("initialising trader") == started
    assert running.count("will not start a new trader in shutdown")
    assert running.count("stopping trading")
    assert yaml.safe_load(bot.file.read_text())["spec"]["status"] in {"off", False}
    left = await rows(bot.database, "SELECT * FROM traders WHERE state = 'running'")
    assert left == []
    mirror = await rows(bot.database, "SELECT status, shutdown_since FROM settings")
    assert [tuple(row) for row in mirror] == [("off", None)]
    owner = await rows(bot.database, "SELECT released_at FROM owners")
    assert owner[0]["released_at"] is not None
    assert not (await books(market, bot.database)).differences


@LONG
async def test_open_orders_rest_while_off_and_are_taken_up_again(bot: Bot, market: Venue) -> None:
    """Off ends at once; on goes on with the same traders and places nothing twice."""
    running = await bot.start()
    await running.said("placing sell", times=2, within_s=150)
    bot.ask(status="off")
    assert await running.ended() == 0
    before = await rows(bot.database, "SELECT trader_id FROM traders WHERE state = 'running'")
    assert before

    running = await bot.start()
    assert await running.ended() == 0
    assert running.count("already stopped")

    bot.ask(status="on")
    running = await bot.start()
    await running.said("unfinished on record", times=len(before))
    await running.said(SOLD, times=1, within_s=150)
    assert (await books(market, bot.database)).cycles


@LONG
async def test_off_then_shutdown_finishes_the_open_cycles(bot: Bot, market: Venue) -> None:
    """A shutdown of a stopped symbol with open cycles takes them up, finishes them, goes off."""
    running = await bot.start()
    await running.said("placing sell", times=2, within_s=150)
    bot.ask(status="off")
    assert await running.ended() == 0
    bot.ask(status="shutdown")
    running = await bot.start()
    assert await running.ended(within_s=200) == 0
    assert running.count("placing buy") == 0
    assert not (await books(market, bot.database)).differences


async def test_a_shutdown_of_nothing_writes_off_within_seconds(bot: Bot) -> None:
    """With nothing on record there is nothing to finish."""
    bot.ask(status="shutdown")
    running = await bot.start()
    assert await running.ended(within_s=60) == 0
    assert running.count("placing") == 0
    assert yaml.safe_load(bot.file.read_text())["spec"]["status"] in {"off", False}


async def test_on_during_a_shutdown_wins(tmp_path: Path, still: Venue, database: str) -> None:
    """A user's on cancels the shutdown: the trader that was to be the last gets a successor."""
    async with _bot(tmp_path, still, database) as bot:
        bot.ask(status="on", **ONE_TRADER)
        running = await with_a_sell(bot)
        bot.ask(status="shutdown", **ONE_TRADER)
        await running.said("shutdown initiated")
        bot.ask(status="on", **{**ONE_TRADER, "budget": 80, "chunks": 4})
        await running.said("starting trading.*switched on")
        await trade(still, "0.8", "SELL")
        await running.said("placing buy", times=2)


@LONG
async def test_settings_reach_the_next_trader(bot: Bot) -> None:
    """Budget and intervals edited while running are the next trader's, not the present one's."""
    running = await bot.start()
    await running.said("placing sell", within_s=150)
    bot.ask(status="on", budget=500, profitInterval="0.05%")
    await running.said("settings changed")

    async def applied() -> bool:
        terms = await rows(
            bot.database, "SELECT chunk_budget, profit_interval FROM traders ORDER BY started_ms"
        )
        assert (terms[0][0], terms[0][1]) == (Decimal(20), Decimal("0.001"))
        return (terms[-1][0], terms[-1][1]) == (Decimal(100), Decimal("0.0005"))

    await until(applied, within_s=150)
    bot.ask(status="on", budget=500, profitInterval="0.05%")
    await running.said("already started")


@LONG
async def test_it_survives_the_exchanges_death(bot: Bot, market: Venue) -> None:
    """Kill -9 of the exchange in the middle of trading: both sides still agree afterwards."""
    running = await bot.start()
    await running.said(SOLD, times=2, within_s=150)
    await market.kill()
    await running.said("waiting.*ExchangeUnreachable")
    await market.start()
    sold = running.count(SOLD)
    await running.said(SOLD, times=sold + 2, within_s=150)
    assert not running.over
    assert not (await books(market, bot.database)).differences


async def test_a_jump_through_all_levels_starts_every_trader(
    tmp_path: Path, still: Venue, database: str
) -> None:
    """The price falls by a tenth at once: each level opens one trader, never more than chunks."""
    async with _bot(tmp_path, still, database) as bot:
        bot.ask(status="on", maxBuyAge="1h")
        running = await bot.start()
        await running.said("starting trading")
        for number, price in enumerate(("1.0000", "0.9000", "0.8000", "0.7000", "0.6000"), 1):
            await still.admin("trade", symbol="XRPUSDT", price=price, quantity="100", side="SELL")
            await running.said("buy open", times=number)
        for _ in range(3):
            await still.admin("trade", symbol="XRPUSDT", price="0.5", quantity="500", side="SELL")
        await running.said("all traders already started")
        assert running.count("placing buy") == 5


async def test_sigterm_waits_for_replies_and_leaves_orders_on_record(bot: Bot) -> None:
    """A terminated leader exits with 143; nothing it sent is in doubt."""
    running = await bot.start()
    await running.said("placing sell", within_s=150)
    running.signal(signal.SIGTERM)
    assert await running.ended() == 143
    doubtful = await rows(
        bot.database, "SELECT * FROM orders WHERE state IN ('intent', 'undecided')"
    )
    assert doubtful == []


# Bad input: a clear refusal, and nothing lost.


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"status": "paused"}, "spec.status must be one of on, off, shutdown"),
        ({"buyDownInterval": "100%"}, "spec.buyDownInterval must be from 0 to less than 100 %"),
        ({"rebuyInterval": "-1%"}, "spec.rebuyInterval must be from 0"),
        ({"profitInterval": "100%"}, "spec.profitInterval must be between -100 % and 100 %"),
        ({"budget": -1}, "spec.budget must be an amount"),
        ({"budget": "0100"}, "spec.budget is written 0100, which YAML reads as 64"),
        ({"chunks": 0}, "spec.chunks must be a whole number"),
        ({"chunk": 3}, "chunk"),
    ],
)
async def test_a_bad_value_is_refused_by_its_name(
    tmp_path: Path, spec: dict[str, Any], complaint: str
) -> None:
    """The first line names the field and the remedy; nothing is connected to."""
    nowhere = Venue(tmp_path / "none", ())
    bot = Bot(tmp_path / "bad.yaml", nowhere, "postgresql://127.0.0.1:1/none")
    bot.ask(**spec)
    running = await bot.start()
    assert await running.ended() == 1
    assert complaint in "\n".join(running.lines)


async def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """The error names the flag and the variable."""
    file = tmp_path / "x.yaml"
    Bot(file, Venue(tmp_path / "none", ()), "").ask(status="on")
    running = await start("symbol_trader", "run", str(file))
    assert await running.ended() == 2
    assert running.count("SYMBOL_TRADER_EXCHANGE_KEY|--exchange-key")


@LONG
@pytest.mark.parametrize("at_deadline", ["Hold", "Sell"])
async def test_a_shutdown_ends_at_its_deadline_in_a_market_that_stands_still(
    bot: Bot, market: Venue, at_deadline: str
) -> None:
    """What rests is canceled, what is in hand is held, or sold to the best bid; off is written."""
    bot.ask(status="on", **SELLS_REST)
    running = await bot.start()
    await running.said("sell open")
    await market.admin("pause")
    bot.ask(status="shutdown", shutdown=f"{{deadline: 1s, atDeadline: {at_deadline}}}")
    assert await running.ended() == 0
    assert yaml.safe_load(bot.file.read_text())["spec"]["status"] == "off"
    sold = await rows(bot.database, "SELECT executed FROM orders WHERE time_in_force = 'IOC'")
    held = await rows(bot.database, "SELECT unsold FROM traders WHERE state = 'held'")
    if at_deadline == "Hold":
        assert held
        assert not sold
    else:
        assert any(row["executed"] for row in sold)
    assert (await books(market, bot.database)).differences == ()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--exchange-environment", "live"), "--real-money is missing: live trades real money"),
        (("--real-money",), "--real-money is for live alone: remove it"),
        (
            ("--exchange-api-url", "wss://ws-api.binance.com/ws-api/v3"),
            "--exchange-api-url is an address of live, and the environment is paper",
        ),
    ],
)
async def test_what_could_trade_real_money_by_mistake_is_refused(
    bot: Bot, arguments: tuple[str, ...], complaint: str
) -> None:
    """The line names the flag and the remedy; nothing is connected to."""
    bot.arguments = arguments
    running = await bot.start()
    assert await running.ended() == 2
    assert complaint in "\n".join(running.lines)


async def test_a_wrong_key_is_waited_out_with_a_reason(bot: Bot, tmp_path: Path) -> None:
    """The bot says what the exchange refuses, and does not end."""
    key = key_folder(tmp_path / "stranger", "stranger")
    running = await bot.start(SYMBOL_TRADER_EXCHANGE_KEY=str(key))
    await running.said("waiting.*CredentialsRefused")
    assert not running.over


async def test_an_unknown_symbol_is_waited_out_with_a_reason(bot: Bot) -> None:
    """The symbol may be listed later."""
    bot.ask(status="on", symbol="NOPEUSDT")
    running = await bot.start()
    await running.said("waiting.*UnknownSymbol.*NOPEUSDT")
    assert not running.over


async def test_a_budget_below_the_minimum_names_the_least_that_works(bot: Bot) -> None:
    """The number it names does work."""
    bot.ask(status="on", budget=10)
    running = await bot.start()
    line = await running.said("BudgetTooSmall.*least budget that works")
    least = line.split("least budget that works with 5 chunks is ")[1].split()[0]
    bot.ask(status="on", budget=f'"{Decimal(least) * Decimal("1.02"):.2f}"')
    await running.said("buy open|buy filled", within_s=150)


async def test_it_waits_for_an_exchange_that_is_not_there_yet(
    tmp_path: Path, database: str
) -> None:
    """The bot waits and says for what; when the exchange comes, it trades."""
    later = Venue(tmp_path / "journal.jsonl", FAST)
    async with _bot(tmp_path, later, database) as bot:
        running = await bot.start()
        await running.said("waiting.*ExchangeUnreachable")
        await later.start()
        try:
            await running.said("placing buy", within_s=150)
        finally:
            await later.kill()


async def test_it_waits_for_a_database_that_is_not_there_yet(bot: Bot) -> None:
    """The bot waits and says for what."""
    bot.database = "postgresql://trader@127.0.0.1:1/none"
    running = await bot.start()
    await running.said("waiting.*DatabaseUnreachable")
    assert not running.over


async def test_another_schema_is_refused_with_both_versions(bot: Bot, own_database: str) -> None:
    """A record from the future is left alone."""
    bot.database = own_database
    connection = await asyncpg.connect(bot.database)
    await connection.execute("UPDATE schema_version SET version_num = '9999'")
    await connection.close()
    running = await bot.start()
    assert await running.ended() == 1
    assert running.count("9999")


async def test_a_second_bot_for_the_symbol_is_told_who_has_it(
    tmp_path: Path, bot: Bot, market: Venue
) -> None:
    """Two resources for one account and symbol: one trades, the other says who."""
    running = await bot.start()
    await running.said("placing buy", within_s=150)
    (tmp_path / "other").mkdir()
    async with _bot(tmp_path / "other", market, bot.database) as second:
        rename(second.file, "other")
        other = await second.start()
        await other.said("waiting.*OwnedByAnother")
        assert other.count("placing") == 0


def rename(file: Path, name: str) -> None:
    """Give the resource of a file another name than its symbol's."""
    text = file.read_text().replace("name: xrpusdt", f"name: {name}")
    file.write_text(f"{text}  symbol: XRPUSDT\n")


async def test_a_file_that_was_moved_goes_on_with_its_symbol(
    tmp_path: Path, still: Venue, database: str
) -> None:
    """On whatever host it lies now; the earlier run, if it still runs, ends."""
    async with _bot(tmp_path, still, database) as bot:
        running = await with_a_sell(bot)
        (tmp_path / "moved").mkdir()
        async with _bot(tmp_path / "moved", still, database) as moved:
            later = await moved.start()
            await later.said("unfinished on record")
            assert await running.ended() == 1
            assert running.count("fenced")


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "another host"])
async def test_what_the_first_version_owned_goes_on(
    tmp_path: Path, still: Venue, database: str, *, elsewhere: bool
) -> None:
    """By itself where host and path are the same; else the refusal says by which option."""
    async with _bot(tmp_path, still, database) as bot:
        await with_a_sell(bot)
        await bot.kill()
        host = "laptop" if elsewhere else socket.gethostname()
        for table in ("owners", "settings"):
            await rows(
                database, f"UPDATE {table} SET namespace = $1, name = $2", host, str(bot.file)
            )
        running = await bot.start()
        if elsewhere:
            refusal = await running.said("waiting.*OwnedByAnother")
            option = f"--owner laptop:{bot.file}"
            assert f"`symbol-trader run {option}`" in refusal
            await bot.kill()
            bot.arguments += tuple(option.split())
            running = await bot.start()
        await running.said("unfinished on record")
        (owner,) = await rows(database, "SELECT namespace, name FROM owners")
        named = ("laptop", str(bot.file)) if elsewhere else ("default", "xrpusdt")
        assert tuple(owner) == named


async def test_a_takeover_gives_open_cycles_to_another_resource(
    tmp_path: Path, bot: Bot, market: Venue
) -> None:
    """The refusal names the remedy, and the remedy works: the cycles go on elsewhere."""
    running = await bot.start()
    await running.said("placing sell", within_s=150)
    bot.ask(status="off")
    assert await running.ended() == 0
    (tmp_path / "other").mkdir()
    async with _bot(tmp_path / "other", market, bot.database) as second:
        rename(second.file, "other")
        other = await second.start()
        await other.said("waiting.*OwnedByAnother.*takeover")
        account = (await rows(bot.database, "SELECT account FROM owners"))[0][0]
        owner = ("--cluster=file", "--namespace=default", "--name=other")
        book = (f"--account={account}", "--symbol=XRPUSDT", f"--database-url={bot.database}")
        taking = await start("symbol_trader", "takeover", *book, *owner)
        assert await taking.ended() == 0, taking.lines
        await other.said("unfinished on record")


async def test_a_bad_edit_keeps_the_last_good_one_in_force(bot: Bot) -> None:
    """A typo while trading is warned about and changes nothing."""
    running = await bot.start()
    await running.said("placing buy", within_s=150)
    bot.ask(status="of")
    await running.said("edit ignored.*spec.status")
    assert not running.over
