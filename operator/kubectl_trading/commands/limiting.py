"""`halt`, `resume`, `limits`: what an account may do, and whether it buys."""

from collections.abc import Callable, Sequence

import click

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError, Conflict
from kubectl_trading.limit_table import limit_table
from kubectl_trading.limits import Limit, halt_left, halting, resuming
from kubectl_trading.options import (
    as_run,
    choose,
    chosen_limits,
    command,
    everywhere_option,
    limits_argument,
    output_option,
    selector_option,
    sits_there,
)
from kubectl_trading.output import Output, written
from tradingsymbol_api.values import OnLimit

NOT_SO = 3
TRIES = 5
"""How often a write is tried that others get in the way of."""


@command
@everywhere_option
@click.option(
    "--on-limit",
    type=click.Choice([one.value for one in OnLimit]),
    help="Also say what becomes of what is open. Default: as the limit says.",
)
@chosen_limits
@click.option("-y", "--yes", is_flag=True, help="With --all: do not ask first.")
def halt(cluster: Cluster, limits: Sequence[Limit], on_limit: str | None, yes: bool) -> None:
    """Let nothing buy on the account of each limit, until it is resumed. Sells go on.

    With --all it asks first, if a person sits at the terminal.
    """
    everything = click.get_current_context().params["everything"]
    if everything and limits and not yes and sits_there():
        names = ", ".join(_name(cluster, limit) for limit in limits)
        click.confirm(
            f"Halt all buys on the accounts of {names}? They stay halted until a person resumes",
            abort=True,
            err=True,
        )

    def write(limit: Limit) -> str:
        cluster.limits.write(limit, halting(on_limit), whatever_it_says=True)
        already = " already" if limit.asks_to_halt else ""
        return f"buys are{already} halted, once a leader of it has heard"

    _each(cluster, limits, write)


@command
@everywhere_option
@chosen_limits
def resume(cluster: Cluster, limits: Sequence[Limit]) -> None:
    """Let buys go on: takes back `halt`, and ends the halts that losses led to.

    It fails where something else halts the account, and says how that ends.
    """

    def write(limit: Limit) -> str:
        _resume(cluster, limit)
        if left := halt_left(limit):
            raise ClusterError(left)
        return "buys go on, and losses count from now"

    _each(cluster, limits, write)


@command
@limits_argument
@selector_option
@everywhere_option
@output_option
def limits(cluster: Cluster, names: tuple[str, ...], selector: str, output: str) -> None:
    """Show what is used of each limit, and what is halted. Exits with 3 if anything is."""
    found = choose(cluster.limits, names, selector)
    everywhere = cluster.where.all_namespaces
    for line in written(
        cluster.limits.kind,
        [limit.document for limit in found],
        Output(output),
        single=len(names) == 1 and not selector and not everywhere,
        table=lambda wide: limit_table(
            found, namespaces=everywhere, wide_at=cluster.now if wide else None
        ),
    ):
        click.echo(line)
    if any(limit.asks_to_halt or limit.halted for limit in found):
        raise SystemExit(NOT_SO)


def _each(cluster: Cluster, limits: Sequence[Limit], write: Callable[[Limit], str]) -> None:
    """Write to each limit and say what came of it: one that fails keeps no other from it.

    A kill switch that was not found must not look as if it had been thrown.
    """
    if not limits:
        raise ClusterError(
            "nothing is halted or resumed: create a TradingLimit, or run `symbol-trader halt` "
            "against the record"
        )
    failed = False
    for limit in limits:
        name = _name(cluster, limit)
        try:
            click.echo(f"{name}: {write(limit)}")
        except ClusterError as exc:
            failed = True
            click.echo(f"{name}: {as_run(str(exc))}", err=True)
    if failed:
        raise SystemExit(1)


def _resume(cluster: Cluster, limit: Limit) -> None:
    """Write it, unless somebody has changed the spec meanwhile; leaders write the status."""
    seen = limit
    for _ in range(TRIES):
        try:
            return cluster.limits.write(seen, resuming(seen, cluster.now))
        except Conflict:
            seen = cluster.limits.get(limit.name, limit.namespace)
            if seen.generation != limit.generation:
                break
    raise Conflict("it is being changed by others: look at it, and try again")


def _name(cluster: Cluster, limit: Limit) -> str:
    """Return a name that no namesake has."""
    return f"{limit.namespace}/{limit.name}" if cluster.where.all_namespaces else limit.name
