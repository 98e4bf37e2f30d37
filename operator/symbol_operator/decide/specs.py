"""The leaders that specs ask for, and the pods that follow.

It is found out once for each generation of a resource, for it is most of the work of a look.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from symbol_operator.decide.conditions import ProxySecret
from symbol_operator.decide.leader_pod import leader_pod
from symbol_operator.observe.pod import Problem, template_hash
from symbol_operator.settings import ExchangeEntry, OperatorSettings
from tradingsymbol_api.conditions import OperatorReason
from tradingsymbol_api.environments import Environment
from tradingsymbol_api.reading import Document, number, text
from tradingsymbol_api.spec import InvalidResourceError, TradingSymbol, parse_resource

REMEMBERED_MAX: Final = 10_000
"""Most resources whose spec is remembered; of more, those seen first are read again."""
NO_PROXY: Final = ProxySecret("")


@dataclass(frozen=True, slots=True)
class DesiredLeader:
    """The leader that a spec asks for, and what keeps it from being created."""

    symbol: TradingSymbol | None = None
    """None where the resource is missing or invalid."""
    blocker: Problem | None = None
    proxy: ProxySecret = NO_PROXY
    environment: Environment | None = None
    """Whose money it would trade; None where that is not known."""
    digest: str = ""
    """Of the leader pod; empty where none may be created."""


NOTHING: Final = DesiredLeader()


class Specs:
    """Reads specs under one configuration, and remembers them by uid and generation."""

    def __init__(self, settings: OperatorSettings, cluster: str) -> None:
        """`cluster` identifies the cluster: the uid of its namespace kube-system."""
        self._settings = settings
        self._cluster = cluster
        self._known: dict[str, tuple[int, DesiredLeader]] = {}

    def read(self, resource: Document) -> DesiredLeader:
        """Return the leader that a resource asks for."""
        uid, generation = (
            text(resource, "metadata", "uid"),
            number(resource, "metadata", "generation"),
        )
        known = self._known.get(uid)
        if known is not None and known[0] == generation:
            return known[1]
        desired = self._read(resource)
        if uid and generation:
            if known is None and len(self._known) >= REMEMBERED_MAX:
                del self._known[next(iter(self._known))]
            self._known[uid] = (generation, desired)
        return desired

    def pod(self, desired: DesiredLeader) -> dict[str, Any]:
        """Build the leader pod that is asked for.

        Raises:
            ValueError: none may be created.

        """
        symbol = desired.symbol
        entry = self._settings.exchange(symbol.spec.exchange) if symbol else None
        if symbol is None or entry is None:
            raise ValueError("a blocked request creates no pod")
        return leader_pod(symbol, entry, self._settings, self._cluster)

    def _read(self, resource: Document) -> DesiredLeader:
        try:
            symbol = parse_resource(resource)
        except InvalidResourceError as exc:
            return DesiredLeader(blocker=Problem(OperatorReason.INVALID_SPEC, f"{exc}."))
        entry = self._settings.exchange(symbol.spec.exchange)
        proxy = ProxySecret(symbol.metadata.namespace, entry.proxy_secret if entry else "")
        environment = entry.environment if entry else None
        desired = DesiredLeader(symbol, self._blocker(symbol, entry), proxy, environment)
        if desired.blocker is not None:
            return desired
        return replace(desired, digest=template_hash(self.pod(desired)))

    def _blocker(self, symbol: TradingSymbol, entry: ExchangeEntry | None) -> Problem | None:
        if entry is None:
            names = ", ".join(entry.name for entry in self._settings.exchanges) or "none"
            return Problem(
                OperatorReason.UNKNOWN_EXCHANGE,
                f"spec.exchange {symbol.spec.exchange} is no entry of the operator's exchange "
                f"list ({names}).",
            )
        if entry.problem:
            return Problem(
                OperatorReason.EXCHANGE_REFUSED,
                f"Entry {entry.name} of the operator's exchange list: {entry.problem}.",
            )
        return None
