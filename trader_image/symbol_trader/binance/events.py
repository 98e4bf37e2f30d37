"""What Binance pushes: user data, public trades, and the end of a stream.

Sources: user-data-stream.md, web-socket-streams.md. Every function raises `PayloadError`, naming
the field, for what it cannot read.
"""

from collections.abc import Hashable
from typing import NamedTuple

from symbol_trader.binance.fields import Fields
from symbol_trader.binance.replies import commission_asset, expiry_reason, or_zero, side
from symbol_trader.core.orders import ExchangeOrder, ExecutionReport, Fill
from symbol_trader.core.replies import BalanceChanged, Price, UserEvent

SHUTDOWN = "serverShutdown"
"""The exchange is about to close the connection. Until then it goes on as before."""
ENDINGS = {"eventStreamTerminated": "the exchange ended the user data stream"}
"""Events after which a stream says nothing more, and what they mean."""


USER_EVENTS = frozenset(
    {
        "executionReport",
        "outboundAccountPosition",
        "balanceUpdate",
        "listStatus",
        "externalLockUpdate",
    }
)
"""The events of a user data stream that do not end it."""


_EXECUTION = ("i", "I", "x", "t", "q", "z")
"""Order, execution, its type, trade, quantity, and executed quantity."""


class Mark(NamedTuple):
    """What tells an event of an account from all others; two connections bring it with the same.

    `updated_ms` is the time of a whole state, which an older one must not replace; None for news
    of one order, which stand for themselves.
    """

    identity: Hashable
    updated_ms: int | None


def user_event(event: Fields, symbol: str) -> UserEvent | None:
    """Read one event of the user data stream; None for what does not concern the symbol.

    `balanceUpdate` is not among the balances: it states a difference, and the balances that
    result follow in `outboundAccountPosition`.
    """
    kind = event.text("e")
    if kind == "executionReport" and event.text("s") == symbol:
        return execution_report(event)
    if kind == "outboundAccountPosition":
        balances = tuple(event.children("B"))
        return BalanceChanged(
            {entry.text("a"): entry.amount("f") for entry in balances},
            {entry.text("a"): entry.amount("l") for entry in balances},
        )
    return None


def execution_report(event: Fields) -> ExecutionReport:
    """Read an `executionReport`.

    Of a cancel, `c` is the cancel's own id and `C` the order's; of an amend, `C` is the id that the
    order had before, `c` its new one, which later reports show. Everywhere else `C` is empty, or
    null. `A` is there only where self-trade prevention took something away.
    """
    kind = event.text("x")
    original = "" if event.raw("C") is None else event.text("C")
    return ExecutionReport(
        execution_type=kind,
        order=_reported_order(event, original or event.text("c")),
        fill=_reported_fill(event) if kind == "TRADE" else None,
        cancel_id=event.text("c") if kind == "CANCELED" and original else None,
    )


def public_trade(event: Fields) -> Price | None:
    """Read a `@trade` event; None for any other."""
    if event.get("e") != "trade":
        return None
    price = event.amount("p")
    if not price:
        raise event.error("p", "a price of zero")
    return Price(event.integer("t"), price, event.time_ms("E"))


def mark(event: Fields) -> Mark | None:
    """Return what tells an event of the user data stream from others, if it says so.

    An `executionReport` has an execution id (`I`); what it says of the order's progress is part of
    its mark all the same, for a fill that is dropped costs more than one that comes twice. Balances
    have the time of the account's last update.
    """
    if "I" in event and "i" in event:
        return Mark(tuple(str(event.raw(name)) for name in _EXECUTION), None)
    if "u" in event and "B" in event:
        balances = tuple(
            (entry.text("a"), entry.amount("f"), entry.amount("l")) for entry in event.children("B")
        )
        return Mark(balances, event.integer("u"))
    return None


def is_shutdown(event: Fields) -> bool:
    """Return whether the exchange announces that it closes the connection."""
    return "e" in event and event.text("e") == SHUTDOWN


def ending(event: Fields) -> str | None:
    """Return why a stream ends, None if this event does not end it."""
    return ENDINGS.get(event.text("e")) if "e" in event else None


def _reported_order(event: Fields, client_order_id: str) -> ExchangeOrder:
    return ExchangeOrder(
        client_order_id=client_order_id,
        order_id=event.integer("i"),
        side=side(event, "S"),
        price=event.amount("p"),
        quantity=event.amount("q"),
        status=event.text("X"),
        executed=event.amount("z"),
        executed_quote=event.amount("Z"),
        time_ms=event.time_ms("O"),
        prevented=or_zero(event, "A"),
        expiry_reason=expiry_reason(event, "eR"),
    )


def _reported_fill(event: Fields) -> Fill:
    commission = event.decimal("n")
    return Fill(
        order_id=event.integer("i"),
        trade_id=event.integer("t"),
        price=event.amount("L"),
        quantity=event.amount("l"),
        quote_quantity=event.amount("Y"),
        commission=commission,
        commission_asset=commission_asset(event, "N", commission),
        is_maker=event.flag("m"),
        time_ms=event.time_ms("T"),
    )
