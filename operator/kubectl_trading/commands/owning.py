"""`audit`: what the leader's pod does for a person, since it knows the record."""

from collections.abc import Sequence

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError
from kubectl_trading.options import chosen, command
from kubectl_trading.pods import run_in_leader
from kubectl_trading.symbols import Symbol


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
