"""The flags and environment variables that several commands share."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from symbol_trader.binance.settings import BinanceSettings
from tradingsymbol_api.pod import (
    ACCEPTED_ENVIRONMENTS,
    ENV_PREFIX,
    EXCHANGE_MARGIN_MS,
    EXCHANGE_TIMEOUT_MS,
    HEALTHZ,
    METRICS,
    READYZ,
    RECV_WINDOW_MAX_MS,
    RECV_WINDOW_MS,
    Variable,
)

option = partial(click.option, show_envvar=True, show_default=True)
context_settings = {"auto_envvar_prefix": ENV_PREFIX}

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """Which exchange, and by which key."""

    exchange_environment: str
    exchange_api_url: str
    exchange_stream_url: str
    exchange_api_key: str = field(repr=False)
    exchange_api_secret: str = field(repr=False)
    exchange_timeout_ms: int
    exchange_ca_file: Path | None = field(default=None, kw_only=True)
    exchange_address_group: str = field(default="default", kw_only=True)

    def settings(self, symbol: str) -> BinanceSettings:
        """Return what the exchange's client is told."""
        return BinanceSettings(
            api_url=self.exchange_api_url,
            stream_url=self.exchange_stream_url,
            symbol=symbol,
            api_key=self.exchange_api_key,
            api_secret=self.exchange_api_secret,
            request_timeout_s=self.exchange_timeout_ms / 1000,
            ca_file=self.exchange_ca_file,
        )


@dataclass(frozen=True, slots=True)
class Options(ExchangeOptions):
    """What `run` and `lead` have in common."""

    database_url: str = field(repr=False)
    recv_window_ms: int
    exchange_margin_ms: int
    reconcile_s: float
    http_host: str
    http_port: int
    log_format: str

    @property
    def longer_s(self) -> float:
        """Return how much longer than by default the exchange may take to answer, in seconds."""
        return max(0, self.exchange_timeout_ms - EXCHANGE_TIMEOUT_MS) / 1000


def _environment(_: click.Context, __: click.Parameter, value: str) -> str:
    if value not in ACCEPTED_ENVIRONMENTS:
        raise click.BadParameter(
            f"{value!r} is refused: only {', '.join(ACCEPTED_ENVIRONMENTS)} is accepted so far"
        )
    return value


class Since(click.ParamType[timedelta | datetime]):
    """A moment: an ISO date or time (UTC unless it says otherwise), or a duration until now."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta | datetime:
        """Read a duration or a moment."""
        if isinstance(value, timedelta | datetime):
            return value
        if found := _DURATION.fullmatch(value):
            return timedelta(**{_UNITS[found["unit"]]: int(found["count"])})
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            example = "a date such as 2026-01-31 nor a duration such as 24h"
            self.fail(f"{value!r} is neither {example}", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(?P<count>\d{1,6})(?P<unit>[smhd])")

since_option = option(
    "--since",
    type=Since(),
    help="Look at cycles alone that were not over at this time: a date, or a duration such as 24h.",
)

_TIMEOUT = option(
    Variable.EXCHANGE_TIMEOUT_MS.flag,
    type=click.IntRange(1),
    default=EXCHANGE_TIMEOUT_MS,
    help="How long the exchange works on a request at most.",
)
_WINDOW = (
    option(
        Variable.RECV_WINDOW_MS.flag,
        type=click.IntRange(1, RECV_WINDOW_MAX_MS),
        default=RECV_WINDOW_MS,
        help="After this the exchange refuses an order that is still under way.",
    ),
    option(
        Variable.EXCHANGE_MARGIN_MS.flag,
        type=click.IntRange(0),
        default=EXCHANGE_MARGIN_MS,
        help="Added to both before an order without an answer counts as absent.",
    ),
)
_LOG_FORMAT = option(
    Variable.LOG_FORMAT.flag,
    type=click.Choice(["console", "json"]),
    default="console",
    help="For people or for machines.",
)

_EXCHANGE = (
    option(
        Variable.EXCHANGE_ENVIRONMENT.flag,
        default="paper",
        callback=_environment,
        help="Which exchange it is; part of what the record is keyed by.",
    ),
    option(
        Variable.EXCHANGE_API_URL.flag,
        required=True,
        help="Address of the WebSocket API, such as ws://127.0.0.1:9443/ws-api/v3.",
    ),
    option(
        Variable.EXCHANGE_STREAM_URL.flag,
        required=True,
        help="Address of the market streams, such as ws://127.0.0.1:9443.",
    ),
    option(Variable.EXCHANGE_API_KEY.flag, required=True, help="The account's API key."),
    option(
        Variable.EXCHANGE_API_SECRET.flag,
        required=True,
        help="Its secret. Prefer the environment variable: flags show in the process list.",
    ),
    _TIMEOUT,
    option(
        "--exchange-ca-file",
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        help="Certificates (PEM) of authorities that the exchange may show, besides the system's.",
    ),
    option(
        "--exchange-address-group",
        default="default",
        help="Leaders that reach the exchange from one address; they share its limits.",
    ),
)

database_option = option(
    Variable.DATABASE_URL.flag,
    required=True,
    help="The record: postgresql://user:password@host/name.",
)

_TRADING = (
    database_option,
    *_WINDOW,
    option(
        "--reconcile-s",
        type=click.FloatRange(0.1),
        default=60.0,
        help="How often record and exchange are compared while all goes well.",
    ),
    option(Variable.HTTP_HOST.flag, default="127.0.0.1", help="Where to serve."),
    option(
        Variable.HTTP_PORT.flag,
        type=click.IntRange(0, 65_535),
        default=0,
        help=f"Port of {HEALTHZ}, {READYZ} and {METRICS}; 0: do not serve them.",
    ),
    _LOG_FORMAT,
)


def exchange_options(command: Command) -> Command:
    """Add the flags of `ExchangeOptions`."""
    return _with(_EXCHANGE, command)


def trading_options(command: Command) -> Command:
    """Add the flags of `Options`."""
    return _with(_EXCHANGE + _TRADING, command)


def fence_options(command: Command) -> Command:
    """Add the flags that `fence` shares with the others."""
    return _with((database_option, _TIMEOUT, *_WINDOW, _LOG_FORMAT), command)


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for add in reversed(options):
        command = add(command)
    return command
