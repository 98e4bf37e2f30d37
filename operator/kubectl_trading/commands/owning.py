"""`takeover` and `audit`: what the leader's pod does for a person, since it knows the record."""

from collections.abc import Sequence

import click

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError, NotFound
from kubectl_trading.options import chosen, command, name_argument, sits_there
from kubectl_trading.ownership import (
    Finding,
    Presence,
    elsewhere,
    foreign_owner,
    judge,
    takeover_program,
    unknown,
)
from kubectl_trading.pods import run_in_leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.ownership import ForeignOwner


@command
@chosen
def audit(cluster: Cluster, symbols: Sequence[Symbol]) -> None:
    """Compare the exchange with the record; exit 1 if they differ.

    It runs in each symbol's leader pod, so it takes the right to create pods/exec.
    """
    codes = []
    for symbol in symbols:
        if symbol.traders is None:
            raise ClusterError(f"{symbol.name}: the audit runs in the leader pod: start one first")
        program = ["symbol-trader", "audit", symbol.symbol]
        codes.append(run_in_leader(cluster.where, symbol, program))
    raise SystemExit(1 if any(codes) else 0)


@command
@name_argument
@click.option("--force", is_flag=True, help="Even if the owner is there, or cannot be looked at.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
def takeover(cluster: Cluster, name: str, force: bool, yes: bool) -> None:
    """Give NAME the symbol that another resource owns.

    With its orders and traders: for a resource whose leader says OwnedByAnother, where the owner
    is gone. It runs in the leader's pod, so it takes the right to create pods/exec. It asks first,
    if a person sits at the terminal.
    """
    (symbol,) = cluster.symbols.named(name)
    owner = foreign_owner(symbol)
    if owner is None:
        raise ClusterError(
            f"{name}: no other resource owns its symbol: nothing is to be taken over"
        )
    found = _look(cluster, symbol, owner)
    if found.presence is not Presence.GONE and not force:
        raise ClusterError(f"{name}: {found.text}. {found.remedy}")
    if not yes and sits_there():
        click.confirm(f"{name}: {found.text}. Take {owner.symbol} over", abort=True, err=True)
    if run_in_leader(cluster.where, symbol, takeover_program(owner)):
        raise ClusterError(f"{name}: {owner.symbol} was not taken over")


def look_at_owner(cluster: Cluster, symbol: Symbol) -> Finding | None:
    """Return what is found out about another resource that owns the symbol; None if none does."""
    owner = foreign_owner(symbol)
    return _look(cluster, symbol, owner) if owner else None


def _look(cluster: Cluster, symbol: Symbol, owner: ForeignOwner) -> Finding:
    try:
        if why := elsewhere(owner, cluster.leader_cluster(symbol)):
            return unknown(symbol, owner, why)
        return judge(symbol, owner, _find(cluster, owner))
    except ClusterError as exc:
        return unknown(symbol, owner, str(exc))


def _find(cluster: Cluster, owner: ForeignOwner) -> Symbol | None:
    try:
        return cluster.symbols.get(owner.name, owner.namespace)
    except NotFound:
        return None
