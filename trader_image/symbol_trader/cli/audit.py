"""The command that compares the exchange with the record."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import click

from symbol_trader.audit import auditing
from symbol_trader.audit.report import report_lines
from symbol_trader.binance.keyfiles import KeyFolder
from symbol_trader.errors import BadCredentials, SchemaMismatch, Unavailable
from symbol_trader.options import (
    KEY_ADVICE,
    ExchangeOptions,
    context_settings,
    database_options,
    exchange_options,
    option,
    since_option,
)
from symbol_trader.postgres.address import DatabaseAddress
from symbol_trader.secrecy import hide_memory


@click.command(context_settings=context_settings)
@click.argument("symbol")
@exchange_options
@database_options
@option("--pause-s", type=click.FloatRange(0), default=2.0, help="Between two looks.")
@since_option
def audit(
    symbol: str,
    database: DatabaseAddress,
    pause_s: float,
    since: timedelta | datetime | None,
    **flags: Any,
) -> None:
    """Compare the exchange with the record for SYMBOL, such as XRPUSDT, and check every promise.

    Ends with 1 if anything differs, or if there was nothing to compare. A symbol that is being
    traded moves under the auditor's eyes: only what three looks in a row find is reported. Fills
    that came while no leader ran are not on record before the next one has taken them up.
    """
    entry = ExchangeOptions(**flags)
    # It only reads, and so needs no leave to trade real money.
    entry.check(real_money=entry.exchange_environment == "live", allow_unrestricted_key=False)
    hide_memory()
    try:
        found = asyncio.run(
            auditing.audit(
                database.read(),
                entry.exchange_environment,
                entry.settings(symbol),
                KeyFolder(entry.exchange_key, KEY_ADVICE).read(),
                pause_s=pause_s,
                since_ms=_since_ms(since, datetime.now(UTC)),
                say=partial(click.echo, err=True),
            )
        )
    except (Unavailable, BadCredentials, SchemaMismatch) as exc:
        raise click.ClickException(str(exc)) from exc
    for line in report_lines(found):
        click.echo(line)
    if not found.passed:
        sys.exit(1)


def _since_ms(since: timedelta | datetime | None, now: datetime) -> int:
    """Return from when on to look, in milliseconds; 0: from the beginning."""
    if since is None:
        return 0
    moment = since if isinstance(since, datetime) else now - since
    return round(moment.timestamp() * 1000)
