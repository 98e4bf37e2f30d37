"""`halt`, `resume`, `limits`: what an account may do, and whether it buys."""

from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError
from kubectl_trading.limits import Limit, halting, limit_table, resuming
from kubectl_trading.options import Function, command, everywhere_option
from tradingsymbol_api.values import OnLimit

NOT_SO = 3


def chosen_limits(function: Function) -> Function:
    """Add names and --all, and hand on the limits that they choose; it fails if there is none.

    A kill switch that was not found must not look as if it had been thrown.
    """

    @click.argument("names", nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All limits of the namespace.")
    @wraps(function)
    def wrapper(cluster: Cluster, names: tuple[str, ...], everything: bool, **options: Any) -> None:
        if bool(names) == everything:
            raise click.UsageError("name limits, or use --all")
        there = {limit.name: limit for limit in cluster.limits()}
        if unknown := [name for name in names if name not in there]:
            raise ClusterError(
                f"no TradingLimit is named {unknown[0]}; there are: {', '.join(there) or 'none'}"
            )
        limits = [there[name] for name in names] if names else [*there.values()]
        if not limits:
            raise ClusterError(
                "there is no TradingLimit here, so nothing is halted or resumed: create one, or "
                "run `symbol-trader halt` against the record"
            )
        function(cluster, limits, **options)

    return wrapper


@command
@everywhere_option
@click.option(
    "--on-limit",
    type=click.Choice([one.value for one in OnLimit]),
    help="Also say what becomes of what is open. Default: as the limit says.",
)
@chosen_limits
def halt(cluster: Cluster, limits: list[Limit], on_limit: str | None) -> None:
    """Let nothing buy on the account of each limit, until it is resumed. Sells go on."""
    for limit in limits:
        cluster.write_limit(limit, halting(on_limit), whatever_it_says=True)
        already = " already" if limit.asks_to_halt else ""
        click.echo(f"{limit.name}: buys are{already} halted, once a leader of it has heard")


@command
@everywhere_option
@chosen_limits
def resume(cluster: Cluster, limits: list[Limit]) -> None:
    """Let buys go on: takes back `halt`, and ends the halts that losses led to."""
    for limit in limits:
        cluster.write_limit(limit, resuming(limit, datetime.now(UTC)), whatever_it_says=False)
        click.echo(f"{limit.name}: buys go on, and losses count from now")


@command
@everywhere_option
def limits(cluster: Cluster) -> None:
    """Show what is used of each limit, and whether it is halted; exit 3 if one is."""
    found = cluster.limits()
    for line in limit_table(found, namespaces=len({one.namespace for one in found}) > 1):
        click.echo(line)
    if any(limit.asks_to_halt or limit.halted for limit in found):
        raise SystemExit(NOT_SO)
