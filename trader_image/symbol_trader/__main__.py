"""The command line, and the one place where adapters meet.

`symbol-trader run FILE` is a bot for a person without Kubernetes; `symbol-trader lead` is the
same leader as the operator runs it in a pod, and `fence` ends one that nobody can reach;
the commands that look after the record are in `cli`.
"""

import asyncio
import json
import random
import secrets
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
from structlog.typing import FilteringBoundLogger

from symbol_trader.binance.budgets import Budget
from symbol_trader.binance.client import BinanceExchange
from symbol_trader.binance.clock import Clock
from symbol_trader.binance.guard import KeyGuard
from symbol_trader.binance.keyfiles import KeyFolder
from symbol_trader.binance.keys import Key
from symbol_trader.binance.market import BinanceMarket
from symbol_trader.binance.pacing import pacers
from symbol_trader.binance.permissions import KeyPermissions
from symbol_trader.binance.rate_limit import RateLimit
from symbol_trader.binance.reconnects import Reconnects
from symbol_trader.binance.surprises import Surprises
from symbol_trader.cli import commands
from symbol_trader.core.leader import new_trader_bits
from symbol_trader.core.timing import Timing
from symbol_trader.errors import SchemaMismatch, Unavailable
from symbol_trader.identity import Identity, Owner
from symbol_trader.options import (
    KEY_ADVICE,
    Options,
    context_settings,
    fence_options,
    option,
    secret_advice,
    trading_options,
)
from symbol_trader.ports import Resource
from symbol_trader.postgres import ownership
from symbol_trader.postgres.account_limits import PostgresAccountLimits
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.postgres.epochs import PostgresOwnership
from symbol_trader.postgres.known_replies import PostgresReplies
from symbol_trader.postgres.leader_connection import LeaderConnection
from symbol_trader.postgres.limit_slots import LimitKind, PostgresSlots
from symbol_trader.postgres.record import PostgresRecord
from symbol_trader.resource.file import FileResource, InvalidFile, read_file
from symbol_trader.resource.owner import former_owner, owner_of
from symbol_trader.runtime import fencing
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.logs import Failure, take_over
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.parts import Adapters, Telemetry
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.service import Service
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Intervals
from symbol_trader.secrecy import hide_memory
from tradingsymbol_api.conditions import LeaderReason
from tradingsymbol_api.pod import ENV_PREFIX, Cause, Variable

TERMINATED_STATUS = 128 + signal.SIGTERM
MIGRATION_PAUSE_S = 1.0
MESSAGE_LENGTH_MAX = 4096
"""The kubelet cuts a termination message here."""


@click.group(context_settings={"auto_envvar_prefix": ENV_PREFIX, "show_default": True})
def main() -> None:
    """Trade one symbol: buy low, sell high, never lose or double an order.

    Each flag can be given as an environment variable: --database-url is
    SYMBOL_TRADER_DATABASE_URL, for all commands alike.
    """


@main.command(context_settings=context_settings)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@option(
    "--owner",
    default="",
    help="Owner of the symbol, where two files have the same name; default: metadata.namespace.",
)
@trading_options
def run(file: Path, owner: str, **flags: Any) -> None:
    """Trade as FILE says, a TradingSymbol in YAML, without Kubernetes.

    Edits of FILE are settings updates. `status: shutdown` finishes what is open, starts nothing
    new, writes off into FILE and ends; `status: off` ends at once and leaves orders on the
    exchange, to be taken up by the next run. The record is migrated first.

    The symbol belongs to the file's metadata.namespace and metadata.name, wherever the file lies.
    A later run of the same name takes over, and the earlier one ends.
    """
    options = _options(flags)
    logger = take_over(options.log_format)
    try:
        ending = _run(file, owner, options, logger)
    except (InvalidFile, SchemaMismatch) as exc:
        raise Failure(str(exc), options.log_format) from exc
    except KeyboardInterrupt:
        sys.exit(TERMINATED_STATUS)
    if ending.cause is Cause.TERMINATED:
        sys.exit(TERMINATED_STATUS)
    if ending.cause is Cause.FENCED:
        raise Failure(ending.message, options.log_format)


def _run(file: Path, named: str, options: Options, logger: FilteringBoundLogger) -> Ending:
    """Run the leader of a file. Raises `InvalidFile`, `SchemaMismatch`."""
    document = read_file(file)
    metadata, host = document.metadata, socket.gethostname()
    story = Story(logger, symbol=metadata.name)
    resource = FileResource(file, lambda why: story.warn("edit ignored", why=why))
    owner = owner_of(named, metadata.namespace, metadata.name)
    identity = Identity(owner, options.exchange_environment, f"{host}/{secrets.token_hex(8)}")
    former = former_owner(host, str(file.resolve()))

    async def run_it() -> Ending:
        await _prepare(options, document.symbol, former, owner, story)
        keys = KeyFolder(options.exchange_key, KEY_ADVICE)
        return await _lead(options, keys, resource, identity, story)

    return asyncio.run(run_it())


def _options(flags: dict[str, Any]) -> Options:
    """Read the flags, before anything else is done. Raises `click.UsageError`."""
    options = Options(**flags)
    options.check(
        real_money=options.real_money, allow_unrestricted_key=options.allow_unrestricted_key
    )
    hide_memory()
    return options


termination_log_option = option(
    "--termination-log",
    type=click.Path(path_type=Path),
    default=Path("/dev/termination-log"),
    help="File for the reason why it ended.",
)


@main.command(context_settings=context_settings)
@option(Variable.CLUSTER.flag, required=True, help="Uid of the namespace kube-system.")
@option(Variable.NAMESPACE.flag, required=True, help="Namespace of the TradingSymbol.")
@option(Variable.NAME.flag, required=True, help="Name of the TradingSymbol.")
@option(Variable.POD.flag, required=True, help="Name of this pod.")
@option(
    Variable.POD_UID.flag, required=True, help="Its uid: an epoch is taken once per pod's life."
)
@option(Variable.NODE.flag, default="", help="Name of its node.")
@termination_log_option
@trading_options
def lead(  # noqa: PLR0917 - click passes them by name
    cluster: str,
    namespace: str,
    name: str,
    pod: str,
    pod_uid: str,
    node: str,
    termination_log: Path,
    **flags: Any,
) -> None:
    """Lead a TradingSymbol of the cluster that this pod runs in."""
    # Loaded here alone: the client costs memory and time that `run` does not need.
    from symbol_trader.resource.api_server import ApiServerResource  # noqa: PLC0415 - only this command pays for it

    options = _options(flags).in_pod(namespace)
    story = Story(take_over(options.log_format), symbol=name, namespace=namespace)
    identity = Identity(Owner(cluster, namespace, name), options.exchange_environment, pod_uid)
    story.tell("leader process started", pod=pod, node=node)

    async def lead_it() -> Ending:
        resource = ApiServerResource.in_cluster(
            namespace, name, lambda event, why: story.warn(event, why=why)
        )
        keys = KeyFolder(options.exchange_key, secret_advice(options.exchange_key, namespace))
        return await _lead(options, keys, resource, identity, story)

    ending = asyncio.run(lead_it())
    _write_termination_message(termination_log, ending)
    sys.exit(TERMINATED_STATUS if ending.cause is Cause.TERMINATED else 0)


@main.command(context_settings=context_settings)
@option(Variable.FENCED_POD.flag, required=True, help="Uid of the pod that is lost.")
@option(
    "--release", is_flag=True, help="Also release its ledgers, where nothing in them is unfinished."
)
@termination_log_option
@fence_options
def fence(  # noqa: PLR0917 - click passes them by name
    fenced_pod: str,
    release: bool,
    termination_log: Path,
    database: DatabaseAddress,
    exchange_timeout_ms: int,
    recv_window_ms: int,
    exchange_margin_ms: int,
    log_format: str,
) -> None:
    """End the leader of a pod that may still run and cannot be reached.

    Takes the epoch of each ledger that the pod holds, bars the pod from taking another, waits until
    nothing that it has sent can reach the exchange any more, and ends. Needs only the record.
    """
    timing = Timing(recv_window_ms, exchange_timeout_ms, exchange_margin_ms)
    ending = asyncio.run(
        fencing.fence(
            lambda: ownership.fence(database.read(), fenced_pod),
            (lambda held: ownership.release(database.read(), held)) if release else None,
            wait_s=timing.bound_ms / 1000,
            retry_policy=RetryPolicy(),
            story=Story(take_over(log_format), pod=fenced_pod),
        )
    )
    _write_termination_message(termination_log, ending)


async def _prepare(
    options: Options, symbol: str, former: Owner, owner: Owner, story: Story
) -> None:
    """Migrate the record and rename an owner of version 0.1.0, waiting for the database.

    Raises `SchemaMismatch`.
    """
    from symbol_trader.postgres import migrate  # noqa: PLC0415 - only this command pays for it

    said, environment = "", options.exchange_environment
    while True:
        try:
            url = options.database.read()
            await migrate.migrate(url, lambda line: story.tell("migration", step=line))
            await ownership.rename_owner(url, environment, symbol, former, owner)
        except Unavailable as exc:
            if str(exc) != said:
                said = str(exc)
                story.warn("waiting", reason=LeaderReason.DATABASE_UNREACHABLE, why=said)
            await asyncio.sleep(MIGRATION_PAUSE_S)
        else:
            return


async def _lead(
    options: Options, keys: KeyFolder, resource: Resource, identity: Identity, story: Story
) -> Ending:
    """Put the adapters together and lead until there is a reason to end."""
    health, surprises, reconnects = Health(time.monotonic), Surprises(), Reconnects()
    service = Service(
        identity,
        _adapters(
            options, keys, resource, health=health, surprises=surprises, reconnects=reconnects
        ),
        Telemetry(
            story,
            health,
            lambda symbol: Metrics(
                symbol,
                options.exchange_environment,
                time.monotonic,
                not_understood=lambda: surprises.counts,
                reconnects=lambda: reconnects.counts,
            ),
        ),
        timing=Timing(
            options.recv_window_ms, options.exchange_timeout_ms, options.exchange_margin_ms
        ),
        intervals=_intervals(options),
        retry_policy=RetryPolicy(),
        new_bits=new_trader_bits(secrets.randbits),
        jitter=random.random,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    if not options.http_port:
        return await service.run()
    # Loaded here alone: the web server costs memory that `audit` and others do not need.
    from symbol_trader.runtime.http import serving  # noqa: PLC0415 - only this command pays for it

    metrics = lambda: service.metrics_text  # noqa: E731 - a name for what is passed on
    async with serving(options.http_host, options.http_port, health, metrics):
        return await service.run()


def _intervals(options: Options) -> Intervals:
    """Wait at the end for as long as the exchange may take; the pod's grace grows by the same."""
    default = Intervals()
    return Intervals(
        reconcile_s=options.reconcile_s,
        replies_s=default.replies_s + options.longer_s,
        end_s=default.end_s + options.longer_s,
    )


def _adapters(
    options: Options,
    keys: KeyFolder,
    resource: Resource,
    *,
    health: Health,
    surprises: Surprises,
    reconnects: Reconnects,
) -> Adapters:
    rate_limit = RateLimit(time.monotonic_ns)
    guard = _guard(options, health) if options.exchange_environment == "live" else None
    connection = LeaderConnection(options.database)
    environment, group = options.exchange_environment, options.exchange_address_group
    slots = partial(PostgresSlots, connection, environment)
    session_pacer, market_pacer = pacers(
        slots(LimitKind.CONNECTIONS, group), clock=time.monotonic, random=random.random
    )
    budget = Budget(
        slots(LimitKind.WEIGHT, group),
        partial(slots, LimitKind.ORDERS),
        clock=time.monotonic,
        random=random.random,
    )
    clock = Clock(time.monotonic_ns, time.time_ns)
    return Adapters(
        resource=resource,
        ownership=PostgresOwnership(connection),
        record=PostgresRecord(connection),
        limits=PostgresAccountLimits(connection),
        exchange=lambda symbol: BinanceExchange(
            options.settings(symbol),
            keys.read(),
            monotonic_ns=time.monotonic_ns,
            random=random.random,
            rate_limit=rate_limit,
            guard=guard,
            is_replaced=keys.replaces,
            surprises=surprises,
            pacer=session_pacer,
            reconnects=reconnects,
            clock=clock,
            budget=budget,
            known=PostgresReplies(connection, environment),
        ),
        market=lambda symbol: BinanceMarket(
            options.settings(symbol),
            random=random.random,
            surprises=surprises,
            pacer=market_pacer,
            reconnects=reconnects,
        ),
    )


def _guard(options: Options, health: Health) -> KeyGuard:
    """Make what looks at a live key before it trades."""
    # Loaded here alone: nobody else asks anything over HTTP.
    from symbol_trader.binance.rest import read_permissions  # noqa: PLC0415 - only live pays for it

    async def look(key: Key, now_ms: int) -> KeyPermissions:
        return await read_permissions(
            options.addresses.rest_url,
            key,
            now_ms,
            recv_window_ms=options.recv_window_ms,
            timeout_s=options.exchange_timeout_ms / 1000,
            ca_file=options.exchange_ca_file,
        )

    return KeyGuard(
        look,
        allow_unrestricted=options.allow_unrestricted_key,
        clock_s=time.monotonic,
        warn=health.warn_of_key,
    )


def _write_termination_message(path: Path, ending: Ending) -> None:
    """Report to the operator, through the kubelet, why the container ended."""
    text = json.dumps({"cause": ending.cause, "message": ending.message})
    with suppress(OSError):
        path.write_text(text[:MESSAGE_LENGTH_MAX])


for command in commands.ALL:
    main.add_command(command)


if __name__ == "__main__":
    main()
