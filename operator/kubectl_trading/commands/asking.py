"""`start`, `stop`, `shutdown`: something is asked of symbols."""

import time
from collections.abc import Sequence

import click

from kubectl_trading.changes import changes
from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import Conflict
from kubectl_trading.options import Duration, chosen, command, sits_there
from kubectl_trading.serving import unserved
from kubectl_trading.symbols import Symbol
from kubectl_trading.verbs import Answer, Verb, answer, progress

NOT_SO = 3
TRIES = 5
"""How often a write is tried that others get in the way of."""


@command
@chosen
def start(cluster: Cluster, symbols: Sequence[Symbol]) -> None:
    """Trade: switch symbols on. It cancels a shutdown under way."""
    _ask(cluster, Verb.START, symbols)


@command
@chosen
@click.option("-y", "--yes", is_flag=True, help="With --all: do not ask first.")
def stop(cluster: Cluster, symbols: Sequence[Symbol], yes: bool) -> None:
    """Stop at once: open orders stay on the exchange and on record.

    With --all it asks first, if a person sits at the terminal.
    """
    everything = click.get_current_context().params["everything"]
    if everything and symbols and not yes and sits_there():
        orders = sum(symbol.open_orders or 0 for symbol in symbols)
        click.confirm(
            f"Stop all {len(symbols)} symbols of namespace {cluster.namespace}? "
            f"{orders} open orders will rest on the exchange",
            abort=True,
            err=True,
        )
    _ask(cluster, Verb.STOP, symbols)


@command
@chosen
@click.option("--wait", is_flag=True, help="Wait until the last trader has finished.")
@click.option("--timeout", type=Duration(), help="Wait no longer than this: 90s, 1h30m.")
def shutdown(
    cluster: Cluster, symbols: Sequence[Symbol], wait: bool, timeout: float | None
) -> None:
    """Finish what is open, start nothing new, then go off.

    With --wait it exits with 3 if a shutdown is not done.
    """
    if timeout and not wait:
        raise click.UsageError("--timeout limits --wait: give both")
    _ask(cluster, Verb.SHUTDOWN, symbols)
    if wait:
        _wait(cluster, symbols, timeout)


def _ask(cluster: Cluster, verb: Verb, symbols: Sequence[Symbol]) -> None:
    """Ask it of each symbol, and say what came of it."""
    failed = False
    for symbol in symbols:
        said = _asked(cluster, verb, symbol)
        failed = failed or said.failed
        click.echo(f"{symbol.name}: {said.text}", err=said.failed)
    # It is asked all the same: whoever serves the namespace one day takes it up.
    problems = unserved(symbols, cluster.now)
    for problem in problems:
        click.echo(problem, err=True)
    if failed or problems:
        raise SystemExit(1)


def _asked(cluster: Cluster, verb: Verb, symbol: Symbol) -> Answer:
    """Write what the verb asks for; where others were quicker, judge again by what they wrote."""
    for _ in range(TRIES - 1):
        said = answer(verb, symbol)
        try:
            if said.write is not None:
                cluster.symbols.write(symbol, {"status": said.write.value})
        except Conflict:
            symbol = cluster.symbols.get(symbol.name)
        else:
            return said
    raise Conflict(f"{symbol.name} is being changed by others: try again")


def _wait(cluster: Cluster, symbols: Sequence[Symbol], timeout: float | None) -> None:
    """Wait until all are off, and tell what they wait for meanwhile."""
    waiting, failed = {symbol.name for symbol in symbols}, False
    said: dict[str, str] = {}
    if not waiting:
        return
    deadline = time.monotonic() + timeout if timeout else float("inf")
    for symbol, gone in changes(cluster, sorted(waiting), deadline):
        if symbol.name not in waiting:
            continue
        found = progress(None if gone else symbol)
        if said.get(symbol.name) != found.text:
            said[symbol.name] = found.text
            click.echo(f"{symbol.name}: {found.text}")
        if found.over:
            waiting.discard(symbol.name)
            failed = failed or found.failed
        if not waiting:
            break
    if waiting:
        click.echo(f"not done in time: {', '.join(sorted(waiting))}", err=True)
    if waiting or failed:
        raise SystemExit(NOT_SO)
