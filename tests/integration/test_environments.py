"""The bot as a person runs it, on demo, testnet and live entries that lead to a local exchange."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from support.books import compare
from support.by_hand import (
    MARKET,
    SOLD,
    bot_at,
    rows,
    sell_out,
    shut_down,
    trade,
    with_a_buy,
    with_a_sell,
)
from support.keys import ED25519, HMAC, KINDS, MadeKey, account_of
from support.people import SYMBOL
from support.processes import Bot, free_port
from symbol_trader.audit.auditing import audit
from symbol_trader.binance.keys import read_key
from symbol_trader.binance.settings import BinanceSettings

OURS, NEXT, THEIRS = (
    {kind: MadeKey(kind, f"{whose}-{kind}-key-that-must-not-show") for kind in KINDS}
    for whose in ("ours", "next", "theirs")
)
ALL = [made for keys in (OURS, NEXT, THEIRS) for made in keys.values()]
REPLACED_S = 60
"""How long a changed file may take to be noticed, on a busy machine; it is looked at every 10 s."""


@asynccontextmanager
async def bot_of(
    folder: Path, database: str, kind: str, environment: str, *arguments: str
) -> AsyncIterator[Bot]:
    """Prepare a bot with a key of this kind; a live one is allowed real money."""
    accounts = folder / "accounts.json"
    ours = account_of("ours", *OURS.values(), *NEXT.values())
    accounts.write_text(json.dumps([ours, account_of("theirs", *THEIRS.values())]))
    flags = ("--exchange-environment", environment, *arguments)
    at = ("--accounts", str(accounts))
    async with bot_at(folder, database, *MARKET, *at, arguments=flags) as bot:
        if environment == "live":
            rest = f"--exchange-rest-url=http://127.0.0.1:{bot.venue.port}"
            bot.arguments = (rest, "--real-money", *bot.arguments)
        bot.key = OURS[kind].write(key_of(bot))
        yield bot


def key_of(bot: Bot) -> Path:
    return bot.file.parent / "its-key"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("environment", ["demo", "testnet", "live"])
async def test_a_leader_trades_on_each_environment_with_either_kind_of_key(
    tmp_path: Path, database: str, environment: str, kind: str
) -> None:
    async with bot_of(tmp_path, database, kind, environment) as bot:
        running = await with_a_sell(bot)
        await sell_out(bot, running)
        await shut_down(bot, running)
        address = bot.venue.address
        settings = BinanceSettings(f"{address}/ws-api/v3", address, SYMBOL)
        key = read_key(OURS[kind].files)
        audited = await audit(database, environment, settings, key, pause_s=0.1)

    assert audited.passed, audited.findings
    assert (await compare(bot.venue.journal, database, SYMBOL, environment)).differences == ()
    assert await rows(database, "SELECT DISTINCT environment FROM orders") == [(environment,)]
    assert running.count("HMAC, which Binance calls deprecated") == (kind == HMAC)


async def test_what_another_environment_left_is_none_of_this_one_s(
    tmp_path: Path, database: str
) -> None:
    """The same account and symbol, by number and by name: two books."""
    async with bot_of(tmp_path, database, ED25519, "testnet") as bot:
        await with_a_buy(bot)
        await bot.kill()
        bot.arguments = ("--exchange-environment", "demo")
        running = await bot.start()
        await running.said("starting trading")
        assert running.count("unfinished on record") == 0
    books = await rows(database, "SELECT environment, epoch FROM owners ORDER BY environment")
    assert books == [("demo", 1), ("testnet", 1)]


# A look at the key before it trades.


async def test_a_live_key_that_may_withdraw_does_not_trade_before_it_may_not(
    tmp_path: Path, database: str
) -> None:
    async with bot_of(tmp_path, database, ED25519, "live") as bot:
        await bot.venue.admin("permit", permissions={"enableWithdrawals": True})
        running = await bot.start()
        await running.said("waiting.*CredentialsRefused.*enableWithdrawals is on")
        assert running.count("starting trading") == 0
        await bot.venue.admin("permit", permissions={"enableWithdrawals": False})
        await running.said("starting trading")


async def test_a_live_key_that_cannot_be_looked_at_does_not_begin_to_trade(
    tmp_path: Path, database: str
) -> None:
    async with bot_of(tmp_path, database, ED25519, "live") as bot:
        nowhere = f"--exchange-rest-url=http://127.0.0.1:{free_port()}"
        bot.arguments = (*bot.arguments, nowhere)
        running = await bot.start()
        await running.said("waiting.*ExchangeUnreachable.*cannot be asked what the key may do")
        assert running.count("starting trading") == 0


async def test_a_live_key_for_every_address_trades_where_that_is_allowed(
    tmp_path: Path, database: str
) -> None:
    async with bot_of(tmp_path, database, ED25519, "live") as bot:
        await bot.venue.admin("permit", permissions={"ipRestrict": False})
        running = await bot.start()
        await running.said("waiting.*CredentialsRefused.*ipRestrict is off")
        await bot.kill()
        bot.arguments = (*bot.arguments, "--allow-unrestricted-key")
        running = await bot.start()
        await running.said("starting trading")


# Another key.


@pytest.mark.parametrize("kind", KINDS)
async def test_a_replaced_key_takes_over_while_its_orders_rest(
    tmp_path: Path, database: str, kind: str
) -> None:
    async with bot_of(tmp_path, database, kind, "live") as bot:
        running = await with_a_sell(bot)
        NEXT[kind].write(key_of(bot))
        await running.said("unfinished on record|starting trading", times=2, within_s=REPLACED_S)
        await bot.venue.admin("revoke", apiKey=OURS[kind].name)
        await sell_out(bot, running)
        await running.said(SOLD)
        await shut_down(bot, running)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_of_another_account_is_told(tmp_path: Path, database: str, kind: str) -> None:
    async with bot_of(tmp_path, database, kind, "testnet") as bot:
        running = await with_a_sell(bot)
        THEIRS[kind].write(key_of(bot))
        await running.said("waiting.*AccountChanged", within_s=REPLACED_S)
        OURS[kind].write(key_of(bot))
        await trade(bot.venue, "1.2", "BUY")
        await running.said(SOLD, within_s=REPLACED_S)


# Nothing of a key shows.


@pytest.mark.parametrize("kind", KINDS)
async def test_no_part_of_a_key_shows_whatever_goes_wrong(
    tmp_path: Path, database: str, kind: str
) -> None:
    """Each error is provoked, and all that the process has said, shown and kept is searched."""
    port = free_port()
    async with bot_of(tmp_path, database, kind, "live", "--http-port", str(port)) as bot:
        await bot.venue.admin("permit", permissions={"enableWithdrawals": True})
        running = await bot.start()
        await running.said("CredentialsRefused.*enableWithdrawals")
        seen = [visible(running.process.pid)]
        await bot.venue.admin("permit", permissions={"enableWithdrawals": False})
        await running.said("starting trading")
        seen.append(await metrics(port))
        await bot.venue.admin("revoke", apiKey=OURS[kind].name)
        await bot.venue.admin("cut", channel="api")
        await running.said("-2015")
        for files in bad(OURS[kind]):
            before = running.count("CredentialsRefused")
            write(key_of(bot), files)
            await running.said("CredentialsRefused", times=before + 1)
        await bot.venue.kill()
        NEXT[kind].write(key_of(bot))
        await running.said("ExchangeUnreachable")
        seen += [await metrics(port), bot.file.read_text()]
        await bot.kill()
    kept = await rows(database, "SELECT row_to_json(owners)::text FROM owners")
    text = "\n".join([*seen, *running.lines, *(row[0] for row in kept)])
    assert "symbol_trader_traders" in text
    for made in ALL:
        for part in made.parts:
            assert part not in text


async def metrics(port: int) -> str:
    """Return what Prometheus is told."""
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as got:
        return await got.text()


def visible(pid: int | None) -> str:
    """Return what other processes see of one: its command line and its environment."""
    process = Path(f"/proc/{pid}")
    return "".join((process / name).read_text() for name in ("cmdline", "environ"))


def bad(made: MadeKey) -> list[dict[str, bytes]]:
    """Return what is wrong with a key in one way or another."""
    files = dict(made.files)
    name = next(name for name in files if name != "api-key")
    both = {**OURS[HMAC].files, **OURS[ED25519].files}
    return [
        both,
        {name: files[name]},
        {"api-key": files["api-key"]},
        {**files, name: files[name][:-30] + b"\xff"},
        {**files, "api-key": files["api-key"] + b" " + files["api-key"]},
    ]


def write(folder: Path, files: dict[str, bytes]) -> None:
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_a_process_that_crashes_leaves_no_core_dump(tmp_path: Path) -> None:
    """Its memory holds the key: it asks for no dump, and for none of its memory by others."""
    script = (
        "import os, resource, ctypes; from symbol_trader.secrecy import hide_memory;"
        "hide_memory();"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),"
        "flush=True); os.abort()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.stdout == "(0, 0) 0\n"
    assert list(tmp_path.iterdir()) == []
