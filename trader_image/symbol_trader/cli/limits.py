"""Commands that halt an account, and let it go on: for people who have no API server at hand."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from symbol_trader.core.limits import OnLimit
from symbol_trader.errors import SchemaMismatch, Unavailable
from symbol_trader.options import context_settings, database_options, option
from symbol_trader.postgres import account_limits
from symbol_trader.postgres.address import DatabaseAddress

T = TypeVar("T")

environment_option = option(
    "--exchange-environment", default="paper", help="Environment of the account."
)
account_option = option("--account", required=True, help="The account's uid.")


def _some_text(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say why in a few words")
    return value


@click.command(context_settings=context_settings)
@database_options
@environment_option
@account_option
@option("--reason", required=True, callback=_some_text, help="Why; conditions and the log say it.")
@option(
    "--on-limit",
    type=click.Choice([one.value for one in OnLimit]),
    default=OnLimit.NO_BUYS.value,
    help="What becomes of open buys: they rest, or are canceled; Shutdown also ends traders.",
)
def halt(
    database: DatabaseAddress, exchange_environment: str, account: str, reason: str, on_limit: str
) -> None:
    """Let nothing buy on an account: once this returns, no buy is committed any more.

    It holds for all symbols of the account, wherever their leaders run and whether or not they
    have heard of it. Sells and cancels go on. It ends with `resume`. A second one changes the
    reason, and makes --on-limit no milder.
    """
    _carry_out(
        database,
        lambda url: account_limits.halt(
            url, exchange_environment, account, reason=reason, on_limit=on_limit
        ),
    )
    click.echo(f"nothing buys on account {account} ({exchange_environment}) until it is resumed")


@click.command(context_settings=context_settings)
@database_options
@environment_option
@account_option
def resume(database: DatabaseAddress, exchange_environment: str, account: str) -> None:
    """Let an account buy again: ends halts by people and by losses, which count from here on.

    A halt that a TradingLimit asks for (`halt: true`) ends where that is written.
    """
    left = _carry_out(
        database, lambda url: account_limits.resume(url, exchange_environment, account)
    )
    if left:
        raise click.ClickException(f"account {account} stays halted: {'; '.join(left)}")
    click.echo(f"account {account} ({exchange_environment}) buys again")


def _carry_out(database: DatabaseAddress, work: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    """Do a command's work at the database's URL. Raises `click.ClickException`."""
    try:
        return asyncio.run(work(database.read()))
    except (Unavailable, SchemaMismatch, account_limits.UnknownAccount) as exc:
        raise click.ClickException(str(exc)) from exc
