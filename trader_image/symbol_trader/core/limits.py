"""An account's limits, as its record keeps them. What is None is not limited."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """What one TradingLimit allows all symbols of an account together.

    Amounts are in quote. `on_limit` and `resume` are spelt as in the resource.
    """

    uid: str
    generation: int
    cluster: str
    namespace: str
    name: str
    quote_asset: str | None = None
    """It holds for the symbols that are quoted in this; None: for all of them."""
    halt: bool = False
    max_exposure: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_open_cycles: int | None = None
    max_orders_per_minute: int | None = None
    cooldown_ms: int | None = None
    on_limit: str = "NoBuys"
    resume: str = "Manual"
