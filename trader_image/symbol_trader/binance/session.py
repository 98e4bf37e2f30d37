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
from symbol_trader.binance.fields import Fields, PayloadError, excerpt, parse
from symbol_trader.binance.signing import Params
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.binance.verdicts import judge
from symbol_trader.core.error_codes import ErrorClass
from symbol_trader.core.replies import UserEvent


@dataclass(frozen=True, slots=True)
class Answered:
    """A waiting request has its answer."""

    request_id: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class UserData:
    """User data, and what tells it from other user data: two connections may bring the same."""

    event: UserEvent
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Retired:
    """The session is to be replaced by a new one; `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Announced:
    """The exchange is about to close the connection: a new one has to be opened now."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """The exchange takes the key no longer: no request that waits will have a reply."""

    why: str


Heard = Answered | UserData | Announced | Retired | Revoked
"""What a message turned out to be."""


class Session:
    """The machine behind one connection."""

    def __init__(self, symbol: str, surprises: Surprises | None = None) -> None:
        self._symbol = symbol
        self._surprises = surprises or Surprises()
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
        """Take one message; None for events of no concern, such as other symbols'.

        What cannot be read may have been news that matters, so it retires the session. What nobody
        waits for is counted among the surprises, and is None as well.
        """
        try:
            return self._hear(parse(text))
        except PayloadError as exc:
            self._surprises.note(Surprise.UNREADABLE, str(exc), excerpt(text))
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
        fields = ", ".join(sorted(message.names))
        self._surprises.note(Surprise.UNKNOWN_EVENT, f"a message with the fields {fields}")
        return None

    def _push(self, event: Fields) -> Heard | None:
        if events.is_shutdown(event):
            return Announced()
        ending = events.ending(event)
        if ending is not None:
            return self.retire(ending)
        news = events.user_event(event, self._symbol)
        if news is None and event.text("e") not in events.USER_EVENTS:
            self._surprises.note(Surprise.UNKNOWN_EVENT, event.text("e"))
        return None if news is None else UserData(news, events.mark(event))

    def _reply(self, message: Fields, request_id: int) -> Heard | None:
        method = self._waiting.pop(request_id, None)
        if method is None:
            never = "never sent" if request_id >= self._next_id or request_id < 1 else "over"
            detail = f"a reply to a request that is {never}"
            self._surprises.note(Surprise.UNMATCHED_REPLY, detail, str(request_id))
            return None
        try:
            return Answered(request_id, envelope.reply(message))
        except PayloadError as exc:
            self._surprises.note(Surprise.UNREADABLE, f"the reply to {method}: {exc}")
            return Answered(request_id, NoReply(f"the reply to {method} is an {exc}"))

    def _unasked(self, error: Reply) -> Heard | None:
        """Take an error that belongs to no request: a revoked key, or a request not understood."""
        text = f"the exchange reports {error.code} {error.message}"
        if judge(error).reads is ErrorClass.STOP:
            return Revoked(text)
        self._surprises.note(Surprise.UNMATCHED_REPLY, text)
        return None
