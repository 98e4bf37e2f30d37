"""`paper-exchange admin …`: the commands for rules, limits and outages."""

import click

from paper_exchange.commissions import PARTS
from paper_exchange.core.orders import SelfTrade
from paper_exchange.shell.admin_cli import admin, pairs, run
from paper_exchange.shell.admin_outages import DOWN, TRADING_ONLY

MODES = click.Choice([str(mode) for mode in SelfTrade])


def admin_with_rules() -> click.Group:
    """Return all of the administrator's commands."""
    return admin


@admin.command("price-range")
@click.argument("symbol")
@click.argument("multipliers", nargs=-1)
@click.pass_obj
def price_range(url: str, symbol: str, multipliers: tuple[str, ...]) -> None:
    """Set a price range rule: MULTIPLIERS like bidLimitMultUp=1.05; none: no rule."""
    run(url, "price-range", symbol=symbol, multipliers=pairs(multipliers))


@admin.command("reference-price")
@click.argument("symbol")
@click.argument("price", required=False)
@click.pass_obj
def reference_price(url: str, symbol: str, price: str | None) -> None:
    """Set a reference price; without PRICE the symbol has none now."""
    run(url, "reference-price", symbol=symbol, price=price)


@admin.command("self-trade")
@click.argument("symbol")
@click.argument("default", type=MODES)
@click.argument("allowed", type=MODES, nargs=-1)
@click.pass_obj
def self_trade(url: str, symbol: str, default: str, allowed: tuple[str, ...]) -> None:
    """Set the DEFAULT mode of self-trade prevention and those that are ALLOWED (default: all)."""
    run(url, "self-trade", symbol=symbol, default=default, allowed=list(allowed))


@admin.command()
@click.option("--account", help="Default: all.")
@click.option("--symbol", help="Default: all.")
@click.option("--standard", help="Rates like maker=0.001,taker=0.001,buyer=0,seller=0.")
@click.option("--special", help="The same, on top.")
@click.option("--tax", help="The same, on top.")
@click.pass_obj
def commission(  # noqa: PLR0917 - click passes them by name
    url: str,
    account: str | None,
    symbol: str | None,
    standard: str | None,
    special: str | None,
    tax: str | None,
) -> None:
    """Set what an account pays, what a symbol costs, or both; no rates: as everyone again."""
    given = zip(PARTS, (standard, special, tax), strict=True)
    parts = {name: pairs(text.split(",")) for name, text in given if text}
    run(url, "commission", account=account, symbol=symbol, parts=parts)


@admin.command()
@click.argument("changes", nargs=-1)
@click.pass_obj
def limits(url: str, changes: tuple[str, ...]) -> None:
    """Show limits, or change them: CHANGES like weight=6000 or connections=0 (no limit)."""
    run(url, "limits", limits=pairs(changes))


@admin.command("connection-life")
@click.argument("seconds", type=float)
@click.pass_obj
def connection_life(url: str, seconds: float) -> None:
    """Close connections that are opened from now on after so many SECONDS."""
    run(url, "connection-life", seconds=seconds)


@admin.command()
@click.argument("ms", type=click.IntRange(0))
@click.option("--kind", type=click.Choice([DOWN, TRADING_ONLY]), default=DOWN)
@click.pass_obj
def maintenance(url: str, ms: int, kind: str) -> None:
    """Be down for MS milliseconds, or suspend trading for so long; 0 ends it."""
    run(url, "maintenance", ms=ms, kind=kind)


@admin.command()
@click.pass_obj
def reset(url: str) -> None:
    """Reset the exchange as the testnet is: no orders, initial balances, ids from 1, keys stay."""
    run(url, "reset")
