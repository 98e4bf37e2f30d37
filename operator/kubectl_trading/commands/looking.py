"""`status` and `watch`: symbols are shown."""

import time
from collections.abc import Sequence

import click

from kubectl_trading.changes import changes
from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError
from kubectl_trading.options import (
    choose,
    command,
    everywhere_option,
    names_argument,
    output_option,
    selector_option,
)
from kubectl_trading.output import Output, written
from kubectl_trading.serving import abandoned, about, lapsed, unserved
from kubectl_trading.symbols import Symbol
from kubectl_trading.table import HEADER, NOTHING, row, table

NOT_SO = 3
ENDS_WITHIN_S = 5.0
"""How long an operator may take to end a leader pod whose symbol has gone."""


@command
@names_argument
@selector_option
@everywhere_option
@output_option
def status(cluster: Cluster, names: tuple[str, ...], selector: str, output: str) -> None:
    """Show what was asked, whether it is so, and what is in the way.

    Exits with 3 if anything is in the way, and with 1 if no operator serves a symbol, or a leader
    pod that is there.
    """
    symbols = choose(cluster.symbols, names, selector)
    everywhere = cluster.where.all_namespaces
    for line in written(
        cluster.symbols.kind,
        [symbol.document for symbol in symbols],
        Output(output),
        single=len(names) == 1 and not selector and not everywhere,
        table=lambda wide: table(
            symbols, namespaces=everywhere, wide_at=cluster.now if wide else None
        ),
    ):
        click.echo(line)
    problems = problems_of(cluster, symbols)
    if not names and not selector:
        problems += _abandoned(cluster, symbols)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)
    if not all(symbol.well for symbol in symbols):
        raise SystemExit(NOT_SO)


@command
@names_argument
@everywhere_option
def watch(cluster: Cluster, names: tuple[str, ...]) -> None:
    """Show a line for each change, until interrupted."""
    cluster.require_namespace()
    shown: dict[tuple[str, str], tuple[str, ...]] = {}
    for symbol, gone in changes(cluster, names):
        key, cells = (symbol.namespace, symbol.name), row(symbol)
        if (names and symbol.name not in names) or (shown.get(key) == cells and not gone):
            continue
        shown[key] = cells
        click.echo(f"{time.strftime('%H:%M:%S')}  {_line(symbol, gone=gone)}")


def problems_of(cluster: Cluster, symbols: Sequence[Symbol]) -> list[str]:
    """Return what no operator takes up, and which namespaces are not served any more.

    Those who may not read Leases are told the first alone.
    """
    if found := unserved(symbols, cluster.now):
        return found
    try:
        return lapsed(cluster.claims(), symbols, cluster.now)
    except ClusterError:
        return []


def _abandoned(cluster: Cluster, symbols: Sequence[Symbol]) -> list[str]:
    """Return the leader pods that nobody ends; one whose symbol has just gone is given a moment."""
    try:
        found = abandoned(cluster.leaders(), symbols)
        if found:
            time.sleep(ENDS_WITHIN_S)
            found &= abandoned(cluster.leaders(), cluster.symbols.list())
    except ClusterError as exc:
        click.echo(f"leader pods cannot be looked at: {exc}", err=True)
        return []
    return sorted(map(about, found))


def _line(symbol: Symbol, *, gone: bool) -> str:
    """Write a symbol in one line that can be read without a header."""
    name = f"{symbol.namespace}/{symbol.name}"
    if gone:
        return f"{name}  deleted"
    facts = zip(HEADER[1:], row(symbol)[1:], strict=True)
    told = (f"{title.lower()}={cell}" for title, cell in facts if cell not in {"", NOTHING})
    return f"{name}  {'  '.join(told)}"
