"""The `paper-exchange` command."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import click

from paper_exchange.accounts import (
    AccountConfig,
    Key,
    parse_balances,
    parse_prices,
    read_accounts,
)
from paper_exchange.commissions import read_commissions
from paper_exchange.core.errors import ConfigError
from paper_exchange.core.fees import BnbFees, Commission, FeeRates
from paper_exchange.core.symbols import symbol_at
from paper_exchange.journal import COMPACT_AFTER, MEBIBYTE, JournalError
from paper_exchange.market.recording import Recording
from paper_exchange.market.source import Manual, Source, SourceError
from paper_exchange.market.synthetic import Synthetic
from paper_exchange.protocol.limits import LimitSettings
from paper_exchange.shell import admin_cli_rules
from paper_exchange.shell.config import DEFAULT_KEY, Config, default_account
from paper_exchange.shell.server import serve as run_exchange

Function = TypeVar("Function", bound=Callable[..., Any])

ENVIRONMENT_PREFIX = "PAPER_EXCHANGE"
MANUAL_PRICE = Decimal(1)
"""Price level that a manual market's default filters are made for."""


class Number(click.ParamType[Decimal]):
    """An exact non-negative decimal number."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Read the number or fail with the option's name."""
        try:
            number = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not number.is_finite() or number < 0:
            self.fail(f"{value!r} must be a non-negative number", param, ctx)
        return number


@click.group()
def main() -> None:
    """Run a paper exchange that speaks Binance Spot's WebSocket protocol."""


main.add_command(admin_cli_rules.admin_with_rules())


def _setting(name: str, help_text: str, **attributes: Any) -> Callable[[Function], Function]:
    """Make an option that is an environment variable too."""
    variable = f"{ENVIRONMENT_PREFIX}_{name.upper().replace('-', '_')}"
    return click.option(
        f"--{name}", envvar=variable, show_envvar=True, help=help_text, **attributes
    )


FILE = click.Path(dir_okay=False, path_type=Path)


@main.command(context_settings={"show_default": True})
@_setting("host", "Address to serve on; :: for every one, of IPv6 and IPv4.", default="127.0.0.1")
@_setting(
    "port",
    "Port of the WebSocket API, the streams and /healthz; 0 lets the system choose.",
    default=9080,
)
@_setting(
    "admin-port",
    "Port of the admin interface, always on 127.0.0.1; 0 lets the system choose.",
    default=9081,
)
@_setting(
    "journal",
    "The record; the exchange goes on from it after a restart.",
    type=FILE,
    default=Path("journal.jsonl"),
)
@_setting(
    "fsync",
    "Make each journal line survive a power cut, not only the death of the process.",
    is_flag=True,
)
@_setting(
    "compact-after",
    "MiB of journal after which it is compacted; a start reads no more than that and the history.",
    type=Number(),
    default=str(COMPACT_AFTER // MEBIBYTE),
)
@_setting(
    "recording",
    "Play this file (CSV of aggTrades or trades, or raw stream; plain, .gz or .zip); repeat for "
    "parts.",
    type=FILE,
    multiple=True,
)
@_setting("symbol", "The symbol of a recording that does not say it (CSV).")
@_setting(
    "loop",
    "Play the recording again and again; every second pass is mirrored, so that the price does "
    "not jump.",
    is_flag=True,
)
@_setting(
    "synthetic-symbols",
    "Symbols of the synthetic market, which is played when no recording is given.",
    default="XRPUSDT,BTCUSDT",
)
@_setting("manual", "Symbols without a market: prices move by `admin trade` alone.")
@_setting("seed", "Seed of the synthetic market and of queue draws.", default=1)
@_setting("speed", "Market time per wall time.", type=Number(), default="1")
@_setting("paused", "Start with the market standing still; `admin resume` starts it.", is_flag=True)
@_setting("accounts", "JSON file of accounts, instead of the single one below.", type=FILE)
@_setting("api-key", "API key of the single account.", default=DEFAULT_KEY.api_key)
@_setting(
    "api-secret",
    "Its secret; paper-secret if not given.",
    default=DEFAULT_KEY.secret,
    show_default=False,
)
@_setting(
    "balances", "Its initial balances, like USDT=1000,BTC=1; default: a million of each quote."
)
@_setting(
    "maker-fee",
    "Commission of resting orders, as a fraction.",
    type=Number(),
    default="0.001",
)
@_setting(
    "taker-fee",
    "Commission of orders that trade at once, as a fraction.",
    type=Number(),
    default="0.001",
)
@_setting("tax-fee", "Tax on every trade, as a fraction.", type=Number(), default="0")
@_setting("special-fee", "Special commission, as a fraction.", type=Number(), default="0")
@_setting(
    "commissions",
    "JSON file of rates for accounts or symbols: "
    '[{"symbol": "XRPUSDT", "standardCommission": {"maker": "0", "taker": "0"}}].',
    type=FILE,
)
@_setting(
    "bnb-fees",
    "Take commission in BNB, with a discount, from accounts that have enough of it.",
    is_flag=True,
)
@_setting(
    "bnb-discount",
    "What the standard commission is multiplied by if it is paid in BNB.",
    type=Number(),
    default="0.75",
)
@_setting(
    "bnb-price",
    "Price of one BNB where there is no market in it: 600 (in USDT), or USDT=600,BTC=0.006.",
    default="",
)
@_setting(
    "queue-multiple",
    "Queue ahead of a new order, in median trades (times a seeded draw of 0.5 to 1.5), where the "
    "market shows trades only.",
    type=Number(),
    default="1",
)
@_setting(
    "participation",
    "Share of a trade's volume that orders may have.",
    type=Number(),
    default="1",
)
@_setting(
    "filters",
    'JSON file that overrides filters: {"XRPUSDT": {"tickSize": "0.0001", "MAX_POSITION": '
    '{"maxPosition": "500"}}, "exchange": {"EXCHANGE_MAX_NUM_ORDERS": {"maxNumOrders": 9}}, '
    '"assets": {"XRP": "1000"}}.',
    type=FILE,
)
@_setting(
    "page-limit", "Most rows in one reply of allOrders, myTrades and trades.recent.", default=1000
)
@_setting("weight-limit", "Request weight per minute and address; 0 for no limit.", default=6000)
@_setting(
    "order-limit",
    "Unfilled orders per 10 seconds and account (Binance: 50 to 100); 0 for no limit.",
    default=1000,
)
@_setting(
    "daily-order-limit",
    "Unfilled orders per day and account; 0 for no limit.",
    default=1_000_000,
)
@_setting(
    "raw-request-limit",
    "Requests per 5 minutes and address, whatever they weigh; 0 for no limit.",
    default=300_000,
)
@_setting(
    "connection-limit",
    "Connection attempts per 5 minutes, address and service; 0 for no limit.",
    default=300,
)
@_setting(
    "message-limit",
    "Messages per second that a market stream connection may send; 0 for no limit.",
    default=5,
)
@_setting(
    "ban-after",
    "Refusals by a limit within a minute after which the address is banned; 0 for never.",
    default=10,
)
@_setting("tls-cert", "PEM file of the certificate to serve with, its chain below.", type=FILE)
@_setting("tls-key", "PEM file of its key, without a password.", type=FILE)
@_setting("connection-life", "Seconds after which a connection is closed.", default=86_400.0)
def serve(**options: Any) -> None:
    """Serve the exchange until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)  # a line per health check
    try:
        asyncio.run(_serve(_config(options)))
    except (ConfigError, JournalError, SourceError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc


async def _serve(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with run_exchange(config) as exchange:
        await exchange.serve_until(stop)


def _config(options: dict[str, Any]) -> Config:
    source = _source(options)
    return Config(
        source=source,
        accounts=_accounts(options, source),
        host=options["host"],
        port=options["port"],
        admin_port=options["admin_port"],
        journal=options["journal"],
        fsync=options["fsync"],
        compact_after=int(options["compact_after"] * MEBIBYTE),
        speed=options["speed"],
        paused=options["paused"],
        seed=options["seed"],
        fees=Commission(
            standard=FeeRates(options["maker_fee"], options["taker_fee"]),
            special=FeeRates(options["special_fee"], options["special_fee"]),
            tax=FeeRates(options["tax_fee"], options["tax_fee"]),
        ),
        bnb_fees=BnbFees(
            everyone=options["bnb_fees"],
            discount=options["bnb_discount"],
            prices=parse_prices(options["bnb_price"]),
        ),
        commissions=read_commissions(options["commissions"]) if options["commissions"] else {},
        queue_multiple=options["queue_multiple"],
        participation=options["participation"],
        filters=_filters(options["filters"]),
        page_limit=options["page_limit"],
        limits=LimitSettings(
            weight=options["weight_limit"],
            orders=options["order_limit"],
            orders_a_day=options["daily_order_limit"],
            raw_requests=options["raw_request_limit"],
            connections=options["connection_limit"],
            messages=options["message_limit"],
            ban_after=options["ban_after"],
        ),
        connection_life=options["connection_life"],
        tls_cert=options["tls_cert"],
        tls_key=options["tls_key"],
    )


def _source(options: dict[str, Any]) -> Source:
    if options["recording"]:
        return Recording(options["recording"], options["symbol"], loop=options["loop"])
    if options["manual"]:
        return Manual(tuple(symbol_at(name, MANUAL_PRICE) for name in _names(options["manual"])))
    return Synthetic(_names(options["synthetic_symbols"]), options["seed"])


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _accounts(options: dict[str, Any], source: Source) -> tuple[AccountConfig, ...]:
    if options["accounts"]:
        return read_accounts(options["accounts"])
    key = Key(options["api_key"], options["api_secret"])
    balances = options["balances"]
    granted = parse_balances(balances) if balances else default_account(source).balances
    return (AccountConfig(key.api_key, (key,), granted),)


def _filters(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None:
        return {}
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text())
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: not a filters file: {exc}") from exc
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise ConfigError(f"{path}: not a filters file: an object of objects is expected")
    return found
