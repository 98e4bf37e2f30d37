"""The limits that hold for a symbol: how each stands, and how a halt of it ends. Pure."""

from collections.abc import Iterator, Sequence

from kubectl_trading.limits import Limit
from kubectl_trading.symbols import Symbol
from kubectl_trading.writers import last_writer
from tradingsymbol_api.conditions import LeaderReason
from tradingsymbol_api.names import leader_pod_name
from tradingsymbol_api.reading import text
from tradingsymbol_api.values import TradingStatus

DAILY_LOSS = "maxDailyLoss"


def holds_for(limit: Limit, symbol: Symbol) -> bool:
    """Return whether a limit holds for a symbol of its namespace.

    A quote asset that no leader has reported may be any.
    """
    quote_asset = text(symbol.document, "status", "quoteAsset")
    if limit.quote_asset and quote_asset and limit.quote_asset != quote_asset:
        return False
    return limit.exchange == text(symbol.document, "spec", "exchange")


def standing(limit: Limit) -> str:
    """Return in a line how a limit stands: what it halts or refuses, and since when."""
    who = last_writer(limit.document, "halt") if limit.asks_to_halt else ""
    if limit.halted:
        heard = f"{limit.heard} of {limit.leaders} leaders have heard"
        return f"{limit.name}: {limit.halted}{who}; {heard}"
    if limit.asks_to_halt:
        return f"{limit.name}: halt is true{who}; no leader has reported it yet"
    if not limit.seen:
        return f"{limit.name}: no leader has reported it yet"
    reached = [
        f"{used.name} ({used.used} of {used.most} used)" for used in limit.usage if used.reached
    ]
    if reached:
        return f"{limit.name}: reached since {limit.reached_since}: {', '.join(reached)}"
    return f"{limit.name}: buys go on"


def halt_remedies(limits: Sequence[Limit], symbol: Symbol) -> Iterator[str]:
    """Yield what ends the halts that keep a symbol from buying, by the limits that hold for it."""
    halted = any(obstacle.reason == LeaderReason.BUYS_HALTED for obstacle in symbol.obstacles)
    if not halted and symbol.desired is not TradingStatus.ON:
        return
    halting = [limit for limit in limits if limit.halts]
    yield from map(_resume, halting)
    if halting or not (halted or any(limit.halted for limit in limits)):
        return
    account = next((limit.account for limit in limits if limit.account), "ACCOUNT")
    yield (
        "BuysHalted: No TradingLimit here asks for it. If the message names one, that one is "
        "resumed where it is. If not, find out why first; then a person resumes: kubectl exec "
        f"--namespace {symbol.namespace} {leader_pod_name(symbol.name)} -- symbol-trader resume "
        f"--account {account}"
    )


def _resume(limit: Limit) -> str:
    by_itself = limit.next_day and limit.losses == [DAILY_LOSS] and not limit.asks_to_halt
    until = " It also ends at the turn of the day (UTC)." if by_itself else ""
    return (
        "BuysHalted: Find out why first. Then a person resumes: kubectl trading resume "
        f"--namespace {limit.namespace} {limit.name}{until}"
    )
