"""One session's life, without a socket: requests go out, replies find them, events come in.

The session never repeats a request. Whoever moves the bytes calls `request` and writes the text
once, calls `receive` for each message and `lost` when the connection is gone, and tells each
waiting request what it hears.

States: open → retiring (it takes no new request, replies that are due still arrive) → lost.
"""

from dataclasses import dataclass

from symbol_trader.binance import envelope, events
from symbol_trader.binance.envelope import Answer, NoReply, Reply
from symbol_trader.binance.events import Mark
from symbol_trader.binance.fields import Fields, PayloadError, parse
from symbol_trader.binance.signing import Params
from symbol_trader.binance.verdicts import Kind, judge
from symbol_trader.core.replies import UserEvent


@dataclass(frozen=True, slots=True)
class Answered:
    """A waiting request has its answer."""

    request_id: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class News:
    """User data, and what tells it from other news: two connections may bring the same."""

    event: UserEvent
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A message that nobody waits for; `why` is for the log."""

    why: str


@dataclass(frozen=True, slots=True)
class Retired:
    """The session is to be replaced by a new one; `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Announced:
    """The exchange is about to close the connection: a new one has to be opened now."""


Heard = Answered | News | Dropped | Retired | Announced
"""What a message turned out to be."""


class Session:
    """The machine behind one connection."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._next_id = 1
        self._waiting: dict[int, str] = {}
        self._ended: str | None = None

    @property
    def ended(self) -> str | None:
        """Why the session takes no new requests; None while it does."""
        return self._ended

    def request(self, method: str, params: Params) -> tuple[int, str]:
        """Return the id and the text of a new request. Only an open session has new requests."""
        if self._ended is not None:
            raise ValueError(f"{method} after the end of the session: {self._ended}")
        request_id = self._next_id
        self._next_id += 1
        self._waiting[request_id] = method
        return request_id, envelope.request(request_id, method, params)

    def receive(self, text: str | bytes) -> Heard | None:
        """Take one message; None for news of no concern, such as other symbols'.

        What cannot be read may have been news that matters, so it retires the session.
        """
        try:
            return self._hear(parse(text))
        except PayloadError as exc:
            return self.retire(str(exc))

    def give_up(self, request_id: int) -> None:
        """Wait no longer for a reply; it is dropped if it comes after all."""
        self._waiting.pop(request_id, None)

    def retire(self, why: str) -> Retired:
        """Take no new requests; replies that are due may still arrive. The first reason stays."""
        self._ended = self._ended or why
        return Retired(self._ended)

    def lost(self, why: str) -> tuple[Answered, ...]:
        """End with the connection: no waiting request will have a reply."""
        self.retire(why)
        waiting, self._waiting = self._waiting, {}
        return tuple(
            Answered(request_id, NoReply(f"no reply to {method}: {why}"))
            for request_id, method in waiting.items()
        )

    def _hear(self, message: Fields) -> Heard | None:
        if "event" in message:
            return self._push(message.child("event"))
        if "id" in message:
            return self._reply(message, message.integer("id"))
        if "status" in message:
            return self._unasked(envelope.reply(message))
        return Dropped("a message of an unknown kind")

    def _push(self, event: Fields) -> Heard | None:
        if events.is_shutdown(event):
            return Announced()
        ending = events.ending(event)
        if ending is not None:
            return self.retire(ending)
        news = events.user_event(event, self._symbol)
        return None if news is None else News(news, events.mark(event))

    def _reply(self, message: Fields, request_id: int) -> Heard:
        method = self._waiting.pop(request_id, None)
        if method is None:
            return Dropped(f"a reply to request {request_id}, which waits no longer")
        try:
            return Answered(request_id, envelope.reply(message))
        except PayloadError as exc:
            return Answered(request_id, NoReply(f"the reply to {method} is an {exc}"))

    def _unasked(self, error: Reply) -> Heard:
        """Take an error that belongs to no request: a revoked key, or a request not understood."""
        text = f"the exchange reports {error.code} {error.message}"
        return self.retire(text) if judge(error).kind is Kind.CREDENTIALS else Dropped(text)
