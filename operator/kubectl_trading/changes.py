"""Symbols as they change, also where the API server is away for a while."""

import time
from collections.abc import Iterator, Sequence

import click

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError, NotFound, Refused
from kubectl_trading.symbols import Symbol

WATCH_S = 300
AGAIN_S = 2.0


def changes(
    cluster: Cluster, names: Sequence[str] = (), deadline: float = float("inf")
) -> Iterator[tuple[Symbol, bool]]:
    """Yield each symbol now and at each change, and whether it is gone; until the deadline.

    All come again whenever the watch is renewed. One name takes the right to watch that one alone;
    names that may not be watched are read every other second. Raises `Refused`.
    """
    only = names[0] if len(names) == 1 else ""
    known: dict[str, list[Symbol]] = {}
    while (left := deadline - time.monotonic()) > 0:
        try:
            yield from cluster.symbols.changes(max(1, round(min(left, WATCH_S))), only)
        except Refused:
            if not names:
                raise
            yield from _read(cluster, names, known)
            time.sleep(min(left, AGAIN_S))
        except ClusterError as exc:
            click.echo(f"waiting: {exc}", err=True)
            time.sleep(min(left, AGAIN_S))


def _read(
    cluster: Cluster, names: Sequence[str], known: dict[str, list[Symbol]]
) -> Iterator[tuple[Symbol, bool]]:
    """Yield the symbols that are there, and once more those that were `known` and are gone."""
    for name in names:
        try:
            known[name] = list(cluster.symbols.named(name))
        except NotFound:
            yield from ((symbol, True) for symbol in known.pop(name, ()))
        else:
            yield from ((symbol, False) for symbol in known[name])
