"""What a service is put together from: its adapters, and what it shows of itself."""

from collections.abc import Callable
from dataclasses import dataclass

from symbol_trader.ports import AccountLimits, Exchange, Market, Ownership, Record, Resource
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.metrics import Metrics
from symbol_trader.runtime.story import Story


@dataclass(slots=True)
class Adapters:
    """What fills the ports. A market and an exchange session are made per symbol."""

    resource: Resource
    ownership: Ownership
    record: Record
    limits: AccountLimits
    exchange: Callable[[str], Exchange]
    market: Callable[[str], Market]


@dataclass(slots=True)
class Telemetry:
    """What the process shows of itself."""

    story: Story
    health: Health
    metrics: Callable[[str], Metrics]

    def of_symbol(self, symbol: str) -> "SymbolTelemetry":
        """Return the same with the metrics of a symbol: they are labeled with its name."""
        return SymbolTelemetry(self.story, self.health, self.metrics(symbol))


@dataclass(frozen=True, slots=True)
class SymbolTelemetry:
    """What the process shows of itself, once it knows its symbol."""

    story: Story
    health: Health
    metrics: Metrics
