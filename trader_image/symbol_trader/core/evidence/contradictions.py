"""Exchange and record cannot both be right: that stops one trader, and no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from symbol_trader.core.context import EventContext
from symbol_trader.core.trader import Trader
from symbol_trader.errors import Contradiction


@contextmanager
def contained(trader: Trader, ctx: EventContext) -> Iterator[None]:
    """Let a contradiction stop this trader alone, until a person has settled it."""
    try:
        yield
    except Contradiction as exc:
        contradicted(trader, str(exc), ctx)


def contradicted(trader: Trader, why: str, ctx: EventContext) -> None:
    """Take in that exchange and record cannot both be right about one of a trader's orders."""
    ctx.touch(trader)
    text = f"{why}; see `symbol-trader settle --help`"
    if trader.contradiction == text:
        return
    trader.contradiction = text
    ctx.say(
        "exchange and record contradict each other",
        warning=True,
        trader=trader.trader_id,
        why=why,
    )
