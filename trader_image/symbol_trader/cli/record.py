"""Commands that create a record, and put right what only a person can: none of them leads."""

import asyncio
from decimal import Decimal, InvalidOperation

import click

from symbol_trader.core.orders import OrderState
from symbol_trader.errors import SchemaMismatch, Unavailable
from symbol_trader.identity import LedgerKey, Owner
from symbol_trader.options import context_settings, database_options, option
from symbol_trader.postgres import ownership
from symbol_trader.postgres.address import DatabaseAddress


@click.command(context_settings=context_settings)
@database_options
def migrate(database: DatabaseAddress) -> None:
    """Bring the record's schema up to date; safe to repeat and to run twice at once."""
    # Loaded here alone: the migration tool is heavy, and a leader never migrates.
    from symbol_trader.postgres import migrate as migrations  # noqa: PLC0415 - only this command pays for it

    try:
        asyncio.run(migrations.migrate(database.read(), click.echo))
    except (Unavailable, SchemaMismatch) as exc:
        raise click.ClickException(str(exc)) from exc


@click.command(context_settings=context_settings)
@database_options
@option("--exchange-environment", default="paper", help="Environment of the ledger.")
@option("--account", required=True, help="The account's uid, as the refusal names it.")
@option("--symbol", required=True, help="The symbol, such as XRPUSDT.")
@option("--cluster", required=True, help="Uid of kube-system; `file` for `run FILE`.")
@option("--namespace", required=True, help="Its namespace; what --owner says for `run`.")
@option("--name", required=True, help="Its name: metadata.name.")
def takeover(  # noqa: PLR0917 - click passes them by name
    database: DatabaseAddress,
    exchange_environment: str,
    account: str,
    symbol: str,
    cluster: str,
    namespace: str,
    name: str,
) -> None:
    """Give a symbol's open traders to another resource, whoever held them.

    Stop the other one first: its leader is fenced at its next write, and what it has under way is
    taken up by the new owner.
    """
    ledger = LedgerKey(exchange_environment, account, symbol)
    try:
        epoch = asyncio.run(
            ownership.takeover(database.read(), ledger, Owner(cluster, namespace, name))
        )
    except (Unavailable, SchemaMismatch) as exc:
        raise click.ClickException(str(exc)) from exc
    if epoch is None:
        raise click.ClickException(f"the record has no {symbol} of account {account}")
    click.echo(f"{symbol} belongs to {namespace}/{name} from epoch {epoch} on")


@click.command(context_settings=context_settings)
@click.argument("orders", nargs=-1, required=True)
@database_options
@option("--exchange-environment", default="paper", help="Environment of the ledger.")
@option("--account", required=True, help="The account's uid.")
@option("--symbol", required=True, help="The symbol, such as XRPUSDT.")
@option("--reason", required=True, help="Why they may be left alone; it is kept on record.")
def disown(  # noqa: PLR0917 - click passes them by name
    orders: tuple[str, ...],
    database: DatabaseAddress,
    exchange_environment: str,
    account: str,
    symbol: str,
    reason: str,
) -> None:
    """Let a symbol trade on although ORDERS, by their client order ids, are not on record.

    A leader that finds orders with this record's mark that the record does not hold stops
    placing: commits were lost, or a second record uses the same mark. Look first at what
    they did (`audit` lists them); what they bought or sold is not in any trader.
    """
    ledger = LedgerKey(exchange_environment, account, symbol)
    try:
        noted = asyncio.run(ownership.disown(database.read(), ledger, orders, reason))
    except (Unavailable, SchemaMismatch) as exc:
        raise click.ClickException(str(exc)) from exc
    for name in noted:
        click.echo(f"{name}: leaders of {symbol} trade on without it")
    if not noted:
        raise click.ClickException(
            "nothing new to disown: they are noted already, or the "
            f"record has no {symbol} of account {account}"
        )


@click.command(context_settings=context_settings)
@click.argument("order")
@database_options
@option("--exchange-environment", default="paper", help="Environment of the ledger.")
@option("--account", required=True, help="The account's uid.")
@option("--symbol", required=True, help="The symbol, such as XRPUSDT.")
@option("--reason", required=True, help="How it is known; it is kept on record.")
@option(
    "--state",
    type=click.Choice([state.value for state in OrderState if state.final]),
    default=None,
    help="How it ended; canceled if not given.",
)
@option("--executed", default=None, help="What it executed in base; as its fills say if not given.")
@option("--executed-quote", default=None, help="The same in quote.")
def settle(  # noqa: PLR0917 - click passes them by name
    order: str,
    database: DatabaseAddress,
    exchange_environment: str,
    account: str,
    symbol: str,
    reason: str,
    state: str | None,
    executed: str | None,
    executed_quote: str | None,
) -> None:
    """Say how ORDER, by its client order id, ended; its trader goes on from there.

    For an order on which the exchange and the record contradict each other: the leader names it
    and places nothing for its trader until then. Look at the exchange first. What is said here
    counts in the ledger, and whatever the exchange reports of the order later is ignored.
    """
    stated = ownership.StatedEnd(
        reason,
        None if state is None else OrderState(state),
        _amount("--executed", executed),
        _amount("--executed-quote", executed_quote),
    )
    ledger = LedgerKey(exchange_environment, account, symbol)
    try:
        ending = asyncio.run(ownership.settle(database.read(), ledger, order, stated))
    except (Unavailable, SchemaMismatch, ownership.NotSettled) as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(
        f"{order} is {ending.state} after {ending.executed:f} for {ending.executed_quote:f} in "
        "quote; a leader that runs goes on within a minute"
    )


def _amount(flag: str, text: str | None) -> Decimal | None:
    """Read an amount. Raises `click.BadParameter`."""
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise click.BadParameter(f"{text!r} is not an amount", param_hint=flag)
    return amount
