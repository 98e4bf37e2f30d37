"""`paper-exchange admin …`: the administrator's commands."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import click

from paper_exchange.core.engine import SymbolStatus
from paper_exchange.core.orders import OrderStatus
from paper_exchange.faults import ANY, EventFault, RequestFault
from paper_exchange.shell.admin_client import AdminRefusedError, call
from paper_exchange.shell.admin_faults import CHANNELS, STREAM_KINDS
from paper_exchange.shell.admin_orders import PREVENTED_ENDS


@click.group(context_settings={"show_default": True})
@click.option(
    "--url",
    envvar="PAPER_EXCHANGE_ADMIN_URL",
    show_envvar=True,
    default="ws://127.0.0.1:9081",
    help="The exchange's admin interface.",
)
@click.pass_context
def admin(context: click.Context, url: str) -> None:
    """Control a running paper exchange."""
    context.obj = url


def run(url: str, command: str, **params: Any) -> None:
    """Have a command carried out and show what it answers."""
    given = {name: value for name, value in params.items() if value is not None}
    try:
        result = asyncio.run(call(url, command, given))
    except AdminRefusedError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(json.dumps(result, indent=2))


@admin.command()
@click.pass_obj
def status(url: str) -> None:
    """Show instance, market position, last ids and counts."""
    run(url, "status")


@admin.command()
@click.pass_obj
def pause(url: str) -> None:
    """Pause market time."""
    run(url, "pause")


@admin.command()
@click.pass_obj
def resume(url: str) -> None:
    """Resume market time."""
    run(url, "resume")


@admin.command()
@click.argument("factor")
@click.pass_obj
def speed(url: str, factor: str) -> None:
    """Set market time per wall time."""
    run(url, "speed", speed=factor)


@admin.command()
@click.argument("count", type=int, default=1)
@click.pass_obj
def step(url: str, count: int) -> None:
    """Publish the next COUNT trades of a paused market."""
    run(url, "step", count=count)


@admin.command()
@click.argument("symbol")
@click.argument("price")
@click.argument("quantity")
@click.argument("side", type=click.Choice(["BUY", "SELL"]))
@click.pass_obj
def trade(url: str, symbol: str, price: str, quantity: str, side: str) -> None:
    """Let one trade happen in a paused or manual market; SIDE is the aggressor's."""
    run(url, "trade", symbol=symbol, price=price, quantity=quantity, side=side)


@admin.command("symbol-status")
@click.argument("symbol")
@click.argument("status", type=click.Choice([str(status) for status in SymbolStatus]))
@click.pass_obj
def symbol_status(url: str, symbol: str, status: str) -> None:
    """Halt a symbol, or let it trade again."""
    run(url, "symbol-status", symbol=symbol, status=status)


@admin.command()
@click.argument("symbol")
@click.argument("order_id", type=int)
@click.pass_obj
def expire(url: str, symbol: str, order_id: int) -> None:
    """End an open order as the exchange itself would."""
    run(url, "expire", symbol=symbol, orderId=order_id)


@admin.command()
@click.argument("symbol")
@click.argument("order_id", type=int)
@click.argument("quantity")
@click.option("--client-order-id", help="Its new name; default: one like the app's.")
@click.pass_obj
def amend(url: str, symbol: str, order_id: int, quantity: str, client_order_id: str | None) -> None:
    """Reduce an open order to a total of QUANTITY, as its owner does in the app."""
    given = {"orderId": order_id, "quantity": quantity, "clientOrderId": client_order_id}
    run(url, "amend", symbol=symbol, **given)


@admin.command()
@click.argument("symbol")
@click.argument("order_id", type=int)
@click.argument("quantity", required=False)
@click.option("--counter-order-id", type=int, help="The order that it would have traded with.")
@click.option(
    "--end",
    type=click.Choice([str(status) for status in PREVENTED_ENDS]),
    default=str(OrderStatus.EXPIRED_IN_MATCH),
    help="The status if nothing is left.",
)
@click.pass_obj
def prevent(  # noqa: PLR0917 - click passes them by name
    url: str,
    symbol: str,
    order_id: int,
    quantity: str | None,
    counter_order_id: int | None,
    end: str,
) -> None:
    """Take QUANTITY (default: the rest) from an open order by self-trade prevention."""
    given = {"orderId": order_id, "quantity": quantity, "counterOrderId": counter_order_id}
    run(url, "prevent", symbol=symbol, end=end, **given)


@admin.command()
@click.argument("symbol")
@click.argument("order_id", type=int)
@click.pass_obj
def archive(url: str, symbol: str, order_id: int) -> None:
    """Answer for an order that ended without execution by -2026 from now on."""
    run(url, "archive", symbol=symbol, orderId=order_id)


@admin.command()
@click.option("--account", help="Default: the first account.")
@click.pass_obj
def forget(url: str, account: str | None) -> None:
    """Remove all orders and trades of an account, as a reset of the testnet does."""
    run(url, "forget", account=account)


@admin.command()
@click.argument("changes", nargs=-1, required=True)
@click.option("--account", help="Default: the first account.")
@click.pass_obj
def permit(url: str, changes: tuple[str, ...], account: str | None) -> None:
    """Change what an account's keys may do: CHANGES are NAME=on or NAME=off.

    The names are those of Binance's apiRestrictions, such as enableWithdrawals.
    """
    pairs = [change.partition("=") for change in changes]
    given = {name: {"on": True, "off": False}.get(value, value) for name, _, value in pairs}
    run(url, "permit", account=account, permissions=given)


@admin.command()
@click.argument("key")
@click.pass_obj
def revoke(url: str, key: str) -> None:
    """Take the API key KEY no longer, nor the sessions that it has logged on."""
    run(url, "revoke", apiKey=key)


@admin.command()
@click.argument("asset")
@click.argument("amount")
@click.option("--account", help="Default: the first account.")
@click.pass_obj
def deposit(url: str, asset: str, amount: str, account: str | None) -> None:
    """Add AMOUNT to a free balance; negative takes from it (write -- before it)."""
    run(url, "deposit", asset=asset, amount=amount, account=account)


@admin.command()
@click.argument("asset")
@click.argument("free")
@click.option("--account", help="Default: the first account.")
@click.pass_obj
def balance(url: str, asset: str, free: str, account: str | None) -> None:
    """Set a free balance."""
    run(url, "balance", asset=asset, free=free, account=account)


@admin.command("bnb-fees")
@click.argument("pay", type=click.Choice(["on", "off"]))
@click.option("--account", help="Default: all.")
@click.option("--discount", help="What the standard commission is multiplied by.")
@click.option("--price", help="Of one BNB, where there is no market: 600, or USDT=600,BTC=0.006.")
@click.pass_obj
def bnb_fees(
    url: str, pay: str, account: str | None, discount: str | None, price: str | None
) -> None:
    """Take commission in BNB, or not, from accounts that have enough of it."""
    run(url, "bnb-fees", pay=pay, account=account, discount=discount, price=price)


@admin.command()
@click.argument("symbol")
@click.argument("changes", nargs=-1, required=True)
@click.pass_obj
def filters(url: str, symbol: str, changes: tuple[str, ...]) -> None:
    """Change filters of SYMBOL, of the `exchange`, or of `assets`.

    CHANGES are tickSize=0.01 (names as for --filters), MAX_POSITION.maxPosition=500 for a field of
    any filter, MAX_POSITION=off to take it away; for `assets` XRP=1000 or XRP=off.
    """
    run(url, "filters", symbol=symbol, filters=filter_changes(changes))


def filter_changes(changes: Iterable[str]) -> dict[str, Any]:
    """Read NAME=VALUE, TYPE.FIELD=VALUE and NAME=off as a filters file has them."""
    read: dict[str, Any] = {}
    for name, value in pairs(changes).items():
        kind, dot, field = name.partition(".")
        if dot:
            read.setdefault(kind, {})[field] = value
        else:
            read[name] = None if value == "off" else value
    return read


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Read NAME=VALUE texts."""
    read = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        read[name.strip()] = value.strip()
    return read


@admin.command()
@click.argument("fault", type=click.Choice([f.value for f in (*RequestFault, *EventFault)]))
@click.argument("target", default=ANY)
@click.option("--skip", type=click.IntRange(0), default=0, help="How many pass undisturbed first.")
@click.option("--times", type=click.IntRange(0), help="How many (1); 0: until cleared.")
@click.option("--for-ms", type=click.IntRange(0), help="For how long; all of them if no --times.")
@click.option("--order-id", type=int, help="The order whose rows are missing; default: all rows.")
@click.option("--delay-ms", type=click.IntRange(0), help="How long a delay is.")
@click.option("--code", type=int, help="The error's code, for `refused`; -1003 limits the rate.")
@click.option("--message", help="The error's text.")
@click.option("--retry-after-ms", type=click.IntRange(0), help="How long -1003 keeps away.")
@click.pass_obj
def fault(  # noqa: PLR0917 - click passes them by name
    url: str,
    fault: str,
    target: str,
    skip: int,
    times: int | None,
    for_ms: int | None,
    order_id: int | None,
    delay_ms: int | None,
    code: int | None,
    message: str | None,
    retry_after_ms: int | None,
) -> None:
    """Disturb the next requests of method TARGET, or the next events of kind TARGET.

    `reads` are all methods that change neither orders nor subscriptions.
    """
    given = {"fault": fault, "target": target, "skip": skip, "times": times, "code": code}
    timing = {"delayMs": delay_ms, "message": message, "retryAfterMs": retry_after_ms}
    run(url, "fault", forMs=for_ms, orderId=order_id, **given, **timing)


@admin.command()
@click.pass_obj
def faults(url: str) -> None:
    """Show all faults since the last clear-faults, and how often each has hit."""
    run(url, "faults")


@admin.command("clear-faults")
@click.pass_obj
def clear_faults(url: str) -> None:
    """Disturb nothing any more."""
    run(url, "clear-faults")


_channel = click.argument("channel", type=click.Choice(list(CHANNELS)), default="all")


@admin.command()
@_channel
@click.pass_obj
def cut(url: str, channel: str) -> None:
    """Cut connections without a closing handshake."""
    run(url, "cut", channel=channel)


@admin.command()
@_channel
@click.pass_obj
def stall(url: str, channel: str) -> None:
    """Silence connections without closing them."""
    run(url, "stall", channel=channel)


@admin.command()
@click.argument("kinds", type=click.Choice(list(STREAM_KINDS)), default="all")
@click.option("--also-new", is_flag=True, help="Connections opened from now on, too.")
@click.pass_obj
def mute(url: str, kinds: str, also_new: bool) -> None:
    """Silence market streams while trading goes on; they stay open and answer pings."""
    run(url, "mute", kinds=kinds, alsoNew=also_new)


@admin.command()
@click.argument("ms", type=click.IntRange(0))
@click.option("--address", help="Default: all.")
@click.pass_obj
def ban(url: str, ms: int, address: str | None) -> None:
    """Ban an address from the WebSocket API for MS milliseconds; 0 ends it."""
    run(url, "ban", ms=ms, address=address)


@admin.command("end-user-data")
@click.pass_obj
def end_user_data(url: str) -> None:
    """End the subscriptions to user data; their connections stay."""
    run(url, "end-user-data")


@admin.command("announce-shutdown")
@click.pass_obj
def announce_shutdown(url: str) -> None:
    """Announce to every connection that the server is about to close, without closing."""
    run(url, "announce-shutdown")


@admin.command("page-limit")
@click.argument("rows", type=click.IntRange(1))
@click.pass_obj
def page_limit(url: str, rows: int) -> None:
    """Change the most rows in one reply."""
    run(url, "page-limit", rows=rows)


@admin.command("clock-skew")
@click.argument("ms", type=int)
@click.pass_obj
def clock_skew(url: str, ms: int) -> None:
    """Set the server's clock off by MS milliseconds (write -- before a negative number)."""
    run(url, "clock-skew", ms=ms)
