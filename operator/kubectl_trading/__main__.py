"""The command `kubectl-trading`, which kubectl runs for `kubectl trading`.

Exit codes: 0 it is done, or was so already; 1 it failed, or no operator serves the namespace;
2 wrong usage; 3 a symbol is not in the desired state (`status`), its shutdown is not done
(`shutdown --wait`), or buys are halted (`limits`).
"""

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import click

from kubectl_trading import limit_commands
from kubectl_trading.cluster import Cluster, ClusterError, Conflict, Where
from kubectl_trading.serving import abandoned, about, lapsed, unserved
from kubectl_trading.symbols import Symbol
from kubectl_trading.table import HEADER, NOTHING, row, table
from kubectl_trading.verbs import Answer, Verb, answer, progress
from tradingsymbol_api.values import parse_duration

NOT_SO = 3
TRIES = 5
"""How often a write is tried that others get in the way of."""
WATCH_S = 300
AGAIN_S = 2.0
ENDS_WITHIN_S = 5.0
"""How long an operator may take to end a leader pod whose symbol has gone."""

Function = Callable[..., Any]


class Duration(click.ParamType[float]):
    """A duration as in the resource: 90s, 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return seconds."""
        try:
            return parse_duration(value).total_seconds()
        except ValueError as exc:
            self.fail(f"{value!r} {exc}", param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Start, stop, shut down, look at and audit TradingSymbols."""


def located(command: Function) -> Function:
    """Add the options that say which cluster and namespace are meant."""

    @click.option("-n", "--namespace", help="Default: the namespace of the context.")
    @click.option("--context", help="Context of the kubeconfig. Default: the current one.")
    @click.option("--kubeconfig", help="Default: $KUBECONFIG, else ~/.kube/config.")
    @wraps(command)
    def wrapper(
        namespace: str | None, context: str | None, kubeconfig: str | None, **options: Any
    ) -> None:
        everywhere = options.pop("all_namespaces", False)
        try:
            command(Cluster(Where(kubeconfig, context, namespace, everywhere)), **options)
        except ClusterError as exc:
            raise click.ClickException(str(exc)) from exc

    return wrapper


def chosen(command: Function) -> Function:
    """Add names, --all and --selector, and hand on the symbols that they choose."""

    @click.argument("names", nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="All symbols of the namespace.")
    @click.option("-l", "--selector", default="", help="Those with these labels: key=value,…")
    @wraps(command)
    def wrapper(
        cluster: Cluster, names: tuple[str, ...], everything: bool, selector: str, **options: Any
    ) -> None:
        if sum((bool(names), everything, bool(selector))) != 1:
            raise click.UsageError("name symbols, or use --all, or --selector")
        symbols = [cluster.get(name) for name in names] if names else cluster.list(selector)
        if not symbols:
            click.echo(f"no TradingSymbol in namespace {cluster.namespace} fits", err=True)
        command(cluster, symbols, **options)

    return wrapper


@main.command()
@located
@chosen
def start(cluster: Cluster, symbols: list[Symbol]) -> None:
    """Trade: switch symbols on. It cancels a shutdown under way."""
    _ask(cluster, Verb.START, symbols)


@main.command()
@located
@chosen
def stop(cluster: Cluster, symbols: list[Symbol]) -> None:
    """Stop at once: open orders stay on the exchange and on record."""
    _ask(cluster, Verb.STOP, symbols)


@main.command()
@located
@chosen
@click.option("--wait", is_flag=True, help="Wait until the last trader has finished.")
@click.option("--timeout", type=Duration(), help="Wait no longer than this: 90s, 1h30m.")
def shutdown(cluster: Cluster, symbols: list[Symbol], wait: bool, timeout: float | None) -> None:
    """Finish what is open, start nothing new, then go off."""
    if timeout and not wait:
        raise click.UsageError("--timeout limits --wait: give both")
    _ask(cluster, Verb.SHUTDOWN, symbols)
    if wait:
        _wait(cluster, symbols, timeout)


@main.command()
@click.argument("names", nargs=-1)
@click.option("-l", "--selector", default="", help="Those with these labels: key=value,…")
@click.option("-A", "--all-namespaces", is_flag=True, help="Those of all namespaces.")
@located
def status(cluster: Cluster, names: tuple[str, ...], selector: str) -> None:
    """Show what was asked, whether it is so, and what is in the way; exit 3 if anything is.

    Exit 1 if no operator serves a symbol, or a leader pod that is there.
    """
    symbols = cluster.list(selector)
    if names:
        symbols = [cluster.get(name) for name in names]
    for line in table(symbols, namespaces=len({s.namespace for s in symbols}) > 1):
        click.echo(line)
    problems = unserved(symbols, cluster.now) or _lapsed(cluster, symbols)
    if not names and not selector:
        problems += _abandoned(cluster, symbols)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)
    if not all(symbol.well for symbol in symbols):
        raise SystemExit(NOT_SO)


def _lapsed(cluster: Cluster, symbols: list[Symbol]) -> list[str]:
    """Return which namespaces are not served any more; none to those who may not read Leases."""
    try:
        return lapsed(cluster.claims(), symbols, cluster.now)
    except ClusterError:
        return []


def _abandoned(cluster: Cluster, symbols: list[Symbol]) -> list[str]:
    """Return the leader pods that nobody ends; one whose symbol has just gone is given a moment."""
    try:
        found = abandoned(cluster.leaders(), symbols)
        if found:
            time.sleep(ENDS_WITHIN_S)
            found &= abandoned(cluster.leaders(), cluster.list())
    except ClusterError as exc:
        click.echo(f"leader pods cannot be looked at: {exc}", err=True)
        return []
    return sorted(map(about, found))


@main.command()
@click.argument("names", nargs=-1)
@click.option("-A", "--all-namespaces", is_flag=True, help="Those of all namespaces.")
@located
def watch(cluster: Cluster, names: tuple[str, ...]) -> None:
    """Show a line for each change, until interrupted."""
    shown: dict[tuple[str, str], tuple[str, ...]] = {}
    while True:
        for symbol, gone in _changes(cluster):
            key, cells = (symbol.namespace, symbol.name), row(symbol)
            if (names and symbol.name not in names) or (shown.get(key) == cells and not gone):
                continue
            shown[key] = cells
            click.echo(f"{time.strftime('%H:%M:%S')}  {_line(symbol, gone=gone)}")


@main.command()
@located
@chosen
def audit(cluster: Cluster, symbols: list[Symbol]) -> None:
    """Compare the exchange with the record, in each symbol's leader pod; exit 1 if they differ."""
    codes = []
    for symbol in symbols:
        if symbol.traders is None:
            raise ClusterError(f"{symbol.name}: the audit runs in the leader pod: start one first")
        codes.append(cluster.audit(symbol))
    raise SystemExit(1 if any(codes) else 0)


everywhere = click.option("-A", "--all-namespaces", is_flag=True, help="Those of all namespaces.")
main.command()(everywhere(located(limit_commands.halt)))
main.command()(everywhere(located(limit_commands.resume)))
main.command("limits")(everywhere(located(limit_commands.show)))


def _ask(cluster: Cluster, verb: Verb, symbols: list[Symbol]) -> None:
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
                cluster.write(symbol, said.write)
        except Conflict:
            symbol = cluster.get(symbol.name)
        else:
            return said
    raise Conflict(f"{symbol.name} is being changed by others: try again")


def _wait(cluster: Cluster, symbols: list[Symbol], timeout: float | None) -> None:
    """Wait until all are off, and tell what they wait for meanwhile."""
    waiting, failed = {symbol.name for symbol in symbols}, False
    said: dict[str, str] = {}
    for symbol, gone in _changes(cluster, timeout):
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


def _changes(cluster: Cluster, timeout: float | None = None) -> Iterator[tuple[Symbol, bool]]:
    """Yield each symbol now and at each change; goes on where the API server is away for a while.

    All come again whenever the watch is renewed.
    """
    deadline = time.monotonic() + timeout if timeout else float("inf")
    while (left := deadline - time.monotonic()) > 0:
        try:
            yield from cluster.changes(max(1, round(min(left, WATCH_S))))
        except ClusterError as exc:
            click.echo(f"waiting: {exc}", err=True)
            time.sleep(min(left, AGAIN_S))


def _line(symbol: Symbol, *, gone: bool) -> str:
    """Write a symbol in one line that can be read without a header."""
    name = f"{symbol.namespace}/{symbol.name}"
    if gone:
        return f"{name}  deleted"
    facts = zip(HEADER[1:], row(symbol)[1:], strict=True)
    told = (f"{title.lower()}={cell}" for title, cell in facts if cell not in {"", NOTHING})
    return f"{name}  {'  '.join(told)}"


if __name__ == "__main__":
    main()
