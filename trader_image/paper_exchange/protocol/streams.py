"""Market streams: which connection listens to what, and the control messages that change it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from paper_exchange.core.events import Step
from paper_exchange.protocol.limits import MessageRate
from paper_exchange.protocol.render import aggregate_event, book_event, trade_event
from paper_exchange.protocol.text import Millis, dumps, echo, loads

MOST_STREAMS = 1024
"""Streams per connection."""

Event = TypeVar("Event")

Send = Callable[[str], None]


class StreamSession:
    """One stream connection of an address, whose messages are counted.

    `combined` wraps payloads with their stream's name; `micros` asks for microseconds.
    """

    def __init__(
        self, send: Send, *, address: str = "", combined: bool = False, micros: bool = False
    ) -> None:
        self.send = send
        self.address = address
        self.messages = MessageRate()
        self.combined = combined
        self.micros = micros
        self.names: dict[str, None] = {}
        self.muted: frozenset[str] = frozenset()
        """Kinds of streams (`trade`, …) of which it is sent nothing, on purpose."""


class StreamHub:
    """Sends public data to the connections that asked for it."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._listeners: dict[str, set[StreamSession]] = defaultdict(set)

    def subscribe(self, session: StreamSession, names: Iterable[str]) -> None:
        """Add streams to a connection; those that it has already are left as they are."""
        for name in names:
            session.names[name] = None
            self._listeners[name].add(session)

    def unsubscribe(self, session: StreamSession, names: Iterable[str]) -> None:
        """Take streams away from a connection; unknown ones are ignored."""
        for name in names:
            session.names.pop(name, None)
            self._listeners[name].discard(session)
            if not self._listeners[name]:
                del self._listeners[name]

    def close(self, session: StreamSession) -> None:
        """Forget a connection."""
        self.unsubscribe(session, list(session.names))

    def publish(self, step: Step) -> None:
        """Send what a step made public."""
        if not self._listeners:
            return
        now = self._clock()
        for trade in step.trades:
            symbol = trade.symbol.lower()
            self._send(f"{symbol}@trade", trade_event, trade, now)
            self._send(f"{symbol}@aggTrade", aggregate_event, trade, now)
        for change in step.books:
            self._send(f"{change.symbol.lower()}@bookTicker", book_event, change, now)

    def _send(
        self, name: str, render: Callable[[Event, int], dict[str, Any]], event: Event, now: int
    ) -> None:
        sessions = self._listeners.get(name)
        if not sessions:
            return
        payload = render(event, now)
        kind = name.partition("@")[2]
        texts: dict[bool, str] = {}
        for session in tuple(sessions):
            if kind in session.muted:
                continue
            if session.micros not in texts:
                texts[session.micros] = dumps(payload, micros=session.micros)
            raw = texts[session.micros]
            session.send(f'{{"stream":"{name}","data":{raw}}}' if session.combined else raw)

    # -- control messages --------------------------------------------------------------------

    def control(self, session: StreamSession, text: str) -> str:
        """Carry out a control message and return the reply."""
        try:
            message = loads(text)
        except ValueError as exc:
            return _error(None, 3, f"Invalid JSON: {exc}")
        if not isinstance(message, dict):
            return _error(None, 2, "Invalid request: request must be an object")
        number = echo(message.get("id"))
        command = _COMMANDS.get(str(message.get("method")))
        if command is None:
            return _error(number, 2, f"Invalid request: unknown method {message.get('method')!r}")
        try:
            result = command(self, session, message.get("params", []))
        except ControlError as exc:
            return _error(number, exc.code, str(exc))
        return dumps({"result": result, "id": number})

    def _subscribe_command(self, session: StreamSession, params: object) -> None:
        names = _names(params)
        if len(session.names.keys() | set(names)) > MOST_STREAMS:
            raise ControlError(2, f"Invalid request: more than {MOST_STREAMS} streams")
        self.subscribe(session, names)

    def _unsubscribe_command(self, session: StreamSession, params: object) -> None:
        self.unsubscribe(session, _names(params))

    def _list_command(self, session: StreamSession, _: object) -> list[str]:
        return list(session.names)

    def _set_command(self, session: StreamSession, params: object) -> None:
        if not isinstance(params, list) or len(params) != 2:  # noqa: PLR2004 - a name and a value
            raise ControlError(2, "Invalid request: property name and value expected")
        _check_property(params[0])
        if not isinstance(params[1], bool):
            raise ControlError(1, "Invalid value type: expected Boolean")
        session.combined = params[1]

    def _get_command(self, session: StreamSession, params: object) -> bool:
        _check_property(params[0] if isinstance(params, list) and params else params)
        return session.combined


class ControlError(Exception):
    """A control message that is refused, with the stream service's own code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


_COMMANDS: dict[str, Callable[[StreamHub, StreamSession, object], Any]] = {
    "SUBSCRIBE": StreamHub._subscribe_command,  # noqa: SLF001 - its own commands
    "UNSUBSCRIBE": StreamHub._unsubscribe_command,  # noqa: SLF001 - its own commands
    "LIST_SUBSCRIPTIONS": StreamHub._list_command,  # noqa: SLF001 - its own commands
    "SET_PROPERTY": StreamHub._set_command,  # noqa: SLF001 - its own commands
    "GET_PROPERTY": StreamHub._get_command,  # noqa: SLF001 - its own commands
}


def shutdown_event(now: int, session: StreamSession) -> str:
    """Return the announcement that the server is about to close."""
    event = {"e": "serverShutdown", "E": Millis(now)}
    shown = {"stream": "!serverShutdown", "data": event} if session.combined else event
    return dumps(shown, micros=session.micros)


def _names(params: object) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise ControlError(2, "Invalid request: params must be a list of stream names")
    return [str(name) for name in params]


def _check_property(name: object) -> None:
    if name != "combined":
        raise ControlError(0, f"Unknown property: {name}")


def _error(number: int | str | None, code: int, message: str) -> str:
    return dumps({"id": number, "error": {"code": code, "msg": message}})
