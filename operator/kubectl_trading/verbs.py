"""What a verb means for a symbol: what to write, if anything, and what to say. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from kubectl_trading.symbols import Symbol
from tradingsymbol_api.values import TradingStatus


class Verb(StrEnum):
    """What a person can ask of a symbol."""

    START = "start"
    STOP = "stop"
    SHUTDOWN = "shutdown"


ASKS_FOR = {
    Verb.START: TradingStatus.ON,
    Verb.STOP: TradingStatus.OFF,
    Verb.SHUTDOWN: TradingStatus.SHUTDOWN,
}
ALREADY = {
    Verb.START: "already started",
    Verb.STOP: "already stopped",
    Verb.SHUTDOWN: "shutdown already initiated",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say, and the status to write; None if there is nothing to write."""

    text: str
    write: TradingStatus | None = None
    failed: bool = False


def answer(verb: Verb, symbol: Symbol) -> Answer:
    """Decide what a verb does to a symbol."""
    wanted = ASKS_FOR[verb]
    if symbol.deleting:
        return Answer("is being deleted: nothing can be asked of it any more", failed=True)
    if symbol.desired is wanted:
        return Answer(ALREADY[verb])
    return Answer(_text(verb, symbol), write=wanted)


def _text(verb: Verb, symbol: Symbol) -> str:
    match verb:
        case Verb.START if symbol.desired is TradingStatus.SHUTDOWN:
            return "starting trading: the shutdown is canceled"
        case Verb.START:
            return "starting trading"
        case Verb.STOP if symbol.open_orders:
            return f"stopping trading: {_orders(symbol.open_orders)} on the exchange and on record"
        case Verb.STOP:
            return "stopping trading"
        case Verb.SHUTDOWN if symbol.desired is TradingStatus.OFF:
            return "shutdown initiated: what is unfinished on record is finished first"
        case Verb.SHUTDOWN:
            return "shutdown initiated"


def _orders(count: int) -> str:
    return "1 order rests" if count == 1 else f"{count} orders rest"


@dataclass(frozen=True, slots=True)
class Progress:
    """How a shutdown that is waited for goes; `over` once there is nothing more to wait for."""

    text: str
    over: bool = False
    failed: bool = False


def progress(symbol: Symbol | None) -> Progress:
    """Return how far a shutdown is; `symbol` is None once the resource is gone."""
    if symbol is None:
        return Progress("was deleted before its shutdown was done", over=True, failed=True)
    if symbol.desired is TradingStatus.OFF:
        return Progress("shutdown is done: off", over=True)
    if symbol.desired is TradingStatus.ON:
        return Progress("was switched on: the shutdown is canceled", over=True, failed=True)
    return Progress(symbol.why or "finishing")
