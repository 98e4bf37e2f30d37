"""`explain`, `events`, `logs`: what there is to know of one symbol."""

from collections.abc import Sequence
from typing import Any

import click

from kubectl_trading.cluster import Cluster
from kubectl_trading.commands.looking import problems_of
from kubectl_trading.commands.owning import look_at_owner
from kubectl_trading.connection import ClusterError
from kubectl_trading.events import Event, event_rows
from kubectl_trading.explaining import Found, explanation
from kubectl_trading.holding import holds_for
from kubectl_trading.limits import Limit
from kubectl_trading.options import as_run, choose, command, name_argument, names_argument
from kubectl_trading.pods import LogOptions, log_lines
from kubectl_trading.story import readable
from kubectl_trading.symbols import Symbol
from kubectl_trading.table import layout

STORY_LINES = 10


@command
@name_argument
def explain(cluster: Cluster, name: str) -> None:
    """Explain a symbol, and say what to do.

    What is asked, what is so, how its limits stand, why not, what to do, the last Events, and the
    last lines of the leader's story. Whatever you may not look at is named instead.
    """
    (symbol,) = cluster.symbols.named(name)
    found = Found(
        unserved=problems_of(cluster, [symbol]),
        limits=_limits(cluster, symbol),
        owner=look_at_owner(cluster, symbol),
        events=_events(cluster, symbol),
        story=_story(cluster, symbol),
    )
    for line in explanation(symbol, found):
        click.echo(as_run(line))


@command
@names_argument
def events(cluster: Cluster, names: tuple[str, ...]) -> None:
    """Show the Events of symbols and their leader pods."""
    symbols = choose(cluster.symbols, names, "")
    found = [event for symbol in symbols for event in cluster.events(symbol)]
    for line in layout(event_rows(sorted(found, key=lambda event: event.at))):
        click.echo(line)


@command
@name_argument
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, until interrupted.")
@click.option("-p", "--previous", is_flag=True, help="Of the container before this one.")
@click.option("--tail", type=click.IntRange(0), help="So many lines, the newest. Default: all.")
@click.option("--since", default="", help="Not older than this: 90s, 1h30m.")
@click.option("--raw", is_flag=True, help="As the leader wrote them.")
def logs(cluster: Cluster, name: str, raw: bool, **lines: Any) -> None:
    """Show a leader's story: what it did, and why."""
    (symbol,) = cluster.symbols.named(name)
    for line in log_lines(cluster.where, symbol, LogOptions(**lines)):
        click.echo(line if raw else readable(line))


def _limits(cluster: Cluster, symbol: Symbol) -> Sequence[Limit] | str:
    try:
        return [limit for limit in cluster.limits.list() if holds_for(limit, symbol)]
    except ClusterError as exc:
        return f"cannot be looked at: {exc}"


def _events(cluster: Cluster, symbol: Symbol) -> Sequence[Event] | str:
    try:
        return cluster.events(symbol)
    except ClusterError as exc:
        return f"cannot be looked at: {exc}"


def _story(cluster: Cluster, symbol: Symbol) -> Sequence[str] | str:
    try:
        return list(log_lines(cluster.where, symbol, LogOptions(tail=STORY_LINES)))
    except ClusterError as exc:
        return f"cannot be read: {str(exc).splitlines()[-1]}"
