"""Another symbol of the account: it holds something, and nobody leads it."""

from decimal import Decimal

from support.by_hand import rows
from support.people import SYMBOL

UNLED = "ADAUSDT"
MARKET_OF_BOTH = ("--manual", f"{SYMBOL},{UNLED}")
"""What the paper exchange is started with."""
_COLUMNS = "environment, account, symbol, cluster, namespace, name, epoch, nonce, pod"
_VALUES = f"environment, account, '{UNLED}', cluster, namespace, 'ada', 1, 'nonce', 'pod'"


async def leave_without_leader(
    database: str, quantity: Decimal, spent: Decimal, bid: Decimal | None = None
) -> None:
    """Put it on record beside the symbol of a leader, with the bid that its own leader recorded."""
    value, at = ("NULL", "NULL") if bid is None else (str(bid), "clock_timestamp()")
    await rows(
        database,
        f"INSERT INTO owners ({_COLUMNS}, quote_asset, net_base, net_quote, bid, bid_at)"
        f" SELECT {_VALUES}, quote_asset, {quantity}, {-spent}, {value}, {at} FROM owners",
    )
