"""The flags and environment variables that several commands share."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.postgres.address import DatabaseAddress
from tradingsymbol_api.environments import (
    ENVIRONMENTS,
    Addresses,
    Environment,
    Spelling,
    problem,
)
from tradingsymbol_api.names import API_KEY_FILE, DATABASE_URL_KEY, PRIVATE_KEY_FILE
from tradingsymbol_api.pod import (
    ENV_PREFIX,
    EVERYWHERE,
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

KEY_ADVICE = f"{Variable.EXCHANGE_KEY.flag} names the folder of its files"
"""How a person without Kubernetes brings a key."""
DATABASE_ADVICE = f"{Variable.DATABASE_URL_FILE.flag} names it"
"""How a person without Kubernetes brings the database's URL."""


def secret_advice(folder: Path, namespace: str) -> str:
    """Say how to bring a key into a leader's pod, where the folder has the name of its Secret."""
    files = f"--from-file={API_KEY_FILE} --from-file={PRIVATE_KEY_FILE}"
    return (
        f"kubectl create secret generic {folder.name} --namespace {namespace} {files}; of a Secret "
        "that is there, kubectl edit changes it, and the leader takes it within two minutes"
    )


def mounted_in_pod(address: DatabaseAddress, namespace: str) -> DatabaseAddress:
    """Let an address say how to bring it into a pod, where its folder has its Secret's name."""
    if address.file is None:
        return address
    secret = address.file.parent.name
    value = f"--from-literal={DATABASE_URL_KEY}=postgresql://…"
    command = f"kubectl create secret generic {secret} --namespace {namespace} {value}"
    return replace(address, advice=f"{command}; a leader takes it within two minutes")


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """Which exchange, and by which key."""

    exchange_environment: Environment
    exchange_api_url: str
    exchange_stream_url: str
    exchange_rest_url: str
    exchange_key: Path
    exchange_timeout_ms: int
    exchange_ca_file: Path | None = field(default=None, kw_only=True)
    exchange_address_group: str = field(default="default", kw_only=True)

    def check(self, *, real_money: bool, allow_unrestricted_key: bool) -> None:
        """Refuse what must not trade, or cannot be reached. Raises `click.UsageError`."""
        found = problem(
            self.exchange_environment,
            self._given,
            SPELLING,
            real_money=real_money,
            allow_unrestricted_key=allow_unrestricted_key,
        )
        if found:
            raise click.UsageError(f"{found}.")

    def settings(self, symbol: str) -> BinanceSettings:
        """Return what the exchange's client is told."""
        known = self.addresses
        return BinanceSettings(
            api_url=known.api_url,
            stream_url=known.stream_url,
            symbol=symbol,
            request_timeout_s=self.exchange_timeout_ms / 1000,
            ca_file=self.exchange_ca_file,
        )

    @property
    def addresses(self) -> Addresses:
        """Return where the exchange is."""
        return self._given.or_known(self.exchange_environment)

    @property
    def _given(self) -> Addresses:
        return Addresses(self.exchange_api_url, self.exchange_stream_url, self.exchange_rest_url)


SPELLING = Spelling(
    api_url=Variable.EXCHANGE_API_URL.flag,
    stream_url=Variable.EXCHANGE_STREAM_URL.flag,
    rest_url=Variable.EXCHANGE_REST_URL.flag,
    real_money=Variable.REAL_MONEY.flag,
    real_money_said=Variable.REAL_MONEY.flag,
    allow_unrestricted_key=Variable.ALLOW_UNRESTRICTED_KEY.flag,
)
"""How the commands spell what they are told of an exchange."""


@dataclass(frozen=True, slots=True)
class Options(ExchangeOptions):
    """What `run` and `lead` have in common."""

    real_money: bool
    allow_unrestricted_key: bool
    database: DatabaseAddress
    recv_window_ms: int
    exchange_margin_ms: int
    reconcile_s: float
    http_host: str
    http_port: int
    log_format: str

    def in_pod(self, namespace: str) -> "Options":
        """Return the same for a leader's pod, where errors say how to mount what is missing."""
        return replace(self, database=mounted_in_pod(self.database, namespace))

    @property
    def longer_s(self) -> float:
        """Return how much longer than by default the exchange may take to answer, in seconds."""
        return max(0, self.exchange_timeout_ms - EXCHANGE_TIMEOUT_MS) / 1000


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
    help="Audit only traders that ran at this time or later: a date, or a duration such as 24h.",
)

_TIMEOUT = option(
    Variable.EXCHANGE_TIMEOUT_MS.flag,
    type=click.IntRange(1),
    default=EXCHANGE_TIMEOUT_MS,
    help="The longest that the exchange works on a request.",
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
        help="Added to both of these before an order without an answer counts as absent.",
    ),
)
_LOG_FORMAT = option(
    Variable.LOG_FORMAT.flag,
    type=click.Choice(["console", "json"]),
    default="console",
    help="`console` for people, `json` for machines.",
)

_EXCHANGE = (
    option(
        Variable.EXCHANGE_ENVIRONMENT.flag,
        type=click.Choice(ENVIRONMENTS),
        default="paper",
        help="Which exchange it is; part of what the record is keyed by. Binance's demo mode, "
        "testnet and live have addresses that are known.",
    ),
    option(
        Variable.EXCHANGE_API_URL.flag,
        default="",
        help="Address of the WebSocket API, such as ws://127.0.0.1:9443/ws-api/v3.",
    ),
    option(
        Variable.EXCHANGE_STREAM_URL.flag,
        default="",
        help="Address of the market streams, such as ws://127.0.0.1:9443.",
    ),
    option(
        Variable.EXCHANGE_REST_URL.flag,
        default="",
        help="Address of the REST API, where a live key is looked at before it trades.",
    ),
    option(
        Variable.EXCHANGE_KEY.flag,
        required=True,
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the account's key: the files api-key and private-key (Ed25519, PEM) or "
        "api-secret (HMAC). It is read again when it changes.",
    ),
    _TIMEOUT,
    option(
        Variable.EXCHANGE_CA_FILE.flag,
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        help="Certificates (PEM) of authorities that the exchange may show, besides the system's.",
    ),
    option(
        Variable.EXCHANGE_ADDRESS_GROUP.flag,
        default="default",
        help="Leaders that reach the exchange from one address; they share its limits.",
    ),
)

_DATABASE = (
    option(
        Variable.DATABASE_URL.flag,
        default="",
        help="The record: postgresql://user:password@host/name.",
    ),
    option(
        Variable.DATABASE_URL_FILE.flag,
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        help="File that holds this URL; it is read before each connection.",
    ),
)


def database_options(command: Command) -> Command:
    """Add the flags that say where the record is; the command gets a `DatabaseAddress`."""

    @wraps(command)
    def with_address(
        *args: Any, database_url: str, database_url_file: Path | None, **others: Any
    ) -> Any:
        address = DatabaseAddress(database_url, database_url_file, DATABASE_ADVICE)
        if bool(database_url) == (database_url_file is not None):
            flags = f"{Variable.DATABASE_URL.flag} or {Variable.DATABASE_URL_FILE.flag}"
            raise click.UsageError(f"Say where the record is: give {flags}, and not both.")
        return command(*args, database=address, **others)

    return _with(_DATABASE, with_address)


_TRADING = (
    option(Variable.REAL_MONEY.flag, is_flag=True, help="Allow live, which trades real money."),
    option(
        Variable.ALLOW_UNRESTRICTED_KEY.flag,
        is_flag=True,
        help="Let a live key trade that any address may use.",
    ),
    *_WINDOW,
    option(
        "--reconcile-s",
        type=click.FloatRange(0.1),
        default=60.0,
        help="How often record and exchange are compared while all goes well.",
    ),
    option(
        Variable.HTTP_HOST.flag,
        default="127.0.0.1",
        help=f"Where to serve; {EVERYWHERE} for every address, of IPv6 and IPv4 alike.",
    ),
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
    return _with(_EXCHANGE + _TRADING, database_options(command))


def fence_options(command: Command) -> Command:
    """Add the flags that `fence` shares with the others."""
    return _with((_TIMEOUT, *_WINDOW, _LOG_FORMAT), database_options(command))


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for add in reversed(options):
        command = add(command)
    return command
