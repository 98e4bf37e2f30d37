"""Client connections: requests in, replies and events out.

A request goes through three steps that are kept apart, so that each of them can be disturbed on
purpose: it is received, answered (executed and recorded), and its answer is delivered.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import Step
from paper_exchange.faults import (
    COURSES,
    Answer,
    End,
    EventFault,
    Faults,
    RequestFault,
    Rule,
    without_rows,
)
from paper_exchange.journal import JournalError
from paper_exchange.protocol import render
from paper_exchange.protocol.api import Api, Reply, Request
from paper_exchange.protocol.connection import ConnectionOptions
from paper_exchange.protocol.limits import DAY, STREAMS
from paper_exchange.protocol.session import ApiSession
from paper_exchange.protocol.streams import StreamHub, StreamSession, shutdown_event
from paper_exchange.protocol.text import dumps
from paper_exchange.shell.outbox import Outbox
from paper_exchange.venue import Venue

CONNECT_WEIGHT = 2
"""Request weight of opening a WebSocket API connection."""
UNKNOWN_STATUS = ExchangeError(
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status "
    "unknown.",
    status=504,
)
UNKNOWN_ERROR = ExchangeError(-1000, "An unknown error occurred while processing the request.")


class Connections:
    """All open connections of an exchange. `fail` is told that the record cannot be kept."""

    def __init__(
        self, venue: Venue, api: Api, faults: Faults, fail: Callable[[Exception], None]
    ) -> None:
        self._venue = venue
        self._api = api
        self._faults = faults
        self._fail = fail
        self._streams = StreamHub(venue.clock)
        self._api_sessions: dict[ApiSession, Outbox] = {}
        self._stream_sessions: dict[StreamSession, Outbox] = {}
        self._muted_from_start: frozenset[str] = frozenset()
        self._held: list[tuple[Outbox, str]] = []
        self.life: float = DAY / 1000
        """Seconds after which a connection is closed; for those that are opened from now on."""
        venue.listen(self._report)
        venue.listen(self._streams.publish)

    async def serve(
        self, connection: ServerConnection, outbox: Outbox, options: ConnectionOptions
    ) -> None:
        """Serve a connection until it closes."""
        with suppress(ConnectionClosed):
            if options.is_api:
                await self._serve_api(connection, outbox, options)
            else:
                await self._serve_streams(connection, outbox, options)

    async def announce_shutdown(self) -> None:
        """Tell every connection that the server is about to close, and wait until it is sent."""
        self.say_shutdown()
        for outbox in (*self._api_sessions.values(), *self._stream_sessions.values()):
            await outbox.flush()

    def say_shutdown(self) -> int:
        """Tell every connection that the server is about to close; return how many."""
        now = self._venue.clock()
        for session, outbox in self._api_sessions.items():
            outbox.send(dumps(render.server_shutdown(now), micros=session.micros))
        for stream, outbox in self._stream_sessions.items():
            outbox.send(shutdown_event(now, stream))
        return len(self._api_sessions) + len(self._stream_sessions)

    # -- on purpose --------------------------------------------------------------------------

    def cut(self, *, api: bool, streams: bool) -> int:
        """Cut connections without a closing handshake; return how many."""
        return self._each(Outbox.cut, api=api, streams=streams)

    def stall(self, *, api: bool, streams: bool) -> int:
        """Silence connections without closing them; return how many."""
        return self._each(Outbox.stall, api=api, streams=streams)

    def _each(self, do: Callable[[Outbox], None], *, api: bool, streams: bool) -> int:
        chosen = [*(self._api_sessions.values() if api else ())]
        chosen += self._stream_sessions.values() if streams else ()
        for outbox in chosen:
            do(outbox)
        return len(chosen)

    def mute(self, kinds: frozenset[str], *, also_new: bool) -> int:
        """Send nothing of these kinds of market streams, all else goes on; return to how many.

        With `also_new` connections that are opened from now on are as mute.
        """
        self._muted_from_start = kinds if also_new else frozenset()
        for session in self._stream_sessions:
            session.muted = kinds
        return len(self._stream_sessions)

    def close_all(self) -> int:
        """Say that the server is about to close, then close every connection; return how many."""
        self.say_shutdown()
        return self._each(lambda outbox: outbox.end(CloseCode.GOING_AWAY), api=True, streams=True)

    def _close_address(self, sessions: Mapping[Any, Outbox], address: str) -> None:
        """Close every connection of an address to a service: it was banned."""
        for session, outbox in sessions.items():
            if session.address == address:
                outbox.end(CloseCode.POLICY_VIOLATION)

    def end_user_data(self) -> int:
        """End every subscription to an account, its connection staying; return how many."""
        ended = 0
        for session, outbox in self._api_sessions.items():
            for number in tuple(session.subscriptions):
                session.end(number)
            ended += self._tell_ended(session, outbox)
        return ended

    def _tell_ended(self, session: ApiSession, outbox: Outbox) -> int:
        """Tell a client which of its subscriptions are over; return how many."""
        numbers, session.ended = session.ended, []
        for number in numbers:
            event = render.stream_terminated(self._venue.clock())
            outbox.send(dumps(render.subscribed(number, event), micros=session.micros))
        return len(numbers)

    # -- requests ----------------------------------------------------------------------------

    async def _serve_api(
        self, connection: ServerConnection, outbox: Outbox, options: ConnectionOptions
    ) -> None:
        now = self._venue.clock()
        session = ApiSession(address_of(connection), now, options.rate_limits, options.micros)
        self._api.limits.weight.add(session.address, now, CONNECT_WEIGHT)
        self._api_sessions[session] = outbox
        try:
            async for message in connection:
                self._receive(session, outbox, _text(message))
        finally:
            del self._api_sessions[session]

    def _receive(self, session: ApiSession, outbox: Outbox, text: str) -> None:
        try:
            request = self._api.parse(text)
        except ExchangeError as error:
            self._deliver(session, outbox, self._api.refuse(session, error))
            return
        method = request.method.removeprefix("v3/")
        rule = self._faults.of_request(method, self._venue.clock(), _order_id(request))
        if rule is None:
            self._deliver(session, outbox, self._answer(session, request))
        else:
            self._disturb(rule, session, outbox, request)

    def _answer(self, session: ApiSession, request: Request) -> Reply:
        return self._api.answer(session, request, self._venue.clock())

    def _deliver(self, session: ApiSession, outbox: Outbox, reply: Reply) -> None:
        self._send(session, outbox, reply)
        self._publish(reply)

    def _send(self, session: ApiSession, outbox: Outbox, reply: Reply) -> None:
        outbox.send(dumps(reply.body, micros=session.micros))
        self._tell_ended(session, outbox)
        if reply.closes:
            self._close_address(self._api_sessions, session.address)

    def _publish(self, reply: Reply) -> None:
        if reply.step:
            self._venue.publish(reply.step)

    def _disturb(self, rule: Rule, session: ApiSession, outbox: Outbox, request: Request) -> None:
        fault = RequestFault(rule.fault)
        if fault is RequestFault.REQUEST_DELAYED:
            usual = lambda: self._deliver(session, outbox, self._answer(session, request))  # noqa: E731 - a name for what is passed on
            self._later(rule, usual)
            return
        course = COURSES[fault]
        if course.end is End.CUT:
            outbox.cut()
        if course.end is End.SILENT:
            outbox.stall()
        reply = self._api.reject(session, request, rule.error or UNKNOWN_ERROR)
        if course.executed:
            reply = self._answer(session, request)
            self._publish(reply)
        if course.answer is Answer.UNKNOWN:
            reply = self._api.reject(session, request, UNKNOWN_STATUS)
        if course.answer is Answer.LESS and "result" in reply.body:
            reply.body["result"] = without_rows(reply.body["result"], rule.order_id)
        if course.answer is Answer.LATE_REPLY:
            self._later(rule, lambda: self._send(session, outbox, reply))
        elif course.answer is not Answer.NOTHING:
            self._send(session, outbox, reply)

    def _later(self, rule: Rule, do: Callable[[], None]) -> None:
        """Do something when the rule's time is over, also if its connection is gone by then."""

        def now() -> None:
            try:
                do()
            except JournalError as exc:
                self._fail(exc)

        asyncio.get_running_loop().call_later(rule.delay_ms / 1000, now)

    # -- account events ----------------------------------------------------------------------

    def _report(self, step: Step) -> None:
        """Send a step's account events to those who subscribed to the account."""
        now = self._venue.clock()
        for event in step.events:
            shown = render.account_event(event, now)
            rule = self._faults.of_event(str(shown.get("x", shown["e"])), now)
            for outbox, text in self._listeners(event.account, shown):
                self._tell(rule, outbox, text)

    def _listeners(self, account: str, shown: dict[str, Any]) -> list[tuple[Outbox, str]]:
        return [
            (outbox, dumps(render.subscribed(number, shown), micros=session.micros))
            for session, outbox in self._api_sessions.items()
            for number, owner in session.subscriptions.items()
            if owner == account
        ]

    def _tell(self, rule: Rule | None, outbox: Outbox, text: str) -> None:
        match rule.fault if rule else None:
            case EventFault.LOST:
                return
            case EventFault.SWAPPED:
                self._held.append((outbox, text))
                return
            case EventFault.DELAYED if rule:
                self._later(rule, lambda: outbox.send(text))
                return
            case EventFault.TWICE:
                outbox.send(text)
        outbox.send(text)
        for held in [held for held in self._held if held[0] is outbox]:
            self._held.remove(held)
            outbox.send(held[1])

    # -- streams -----------------------------------------------------------------------------

    async def _serve_streams(
        self, connection: ServerConnection, outbox: Outbox, options: ConnectionOptions
    ) -> None:
        session = StreamSession(
            outbox.send,
            address=address_of(connection),
            combined=options.is_combined,
            micros=options.micros,
        )
        session.muted = self._muted_from_start
        self._streams.subscribe(session, options.streams)
        self._stream_sessions[session] = outbox
        try:
            async for message in connection:
                if not self._may_send(session):
                    outbox.end(CloseCode.POLICY_VIOLATION)
                    await connection.wait_closed()
                    return
                outbox.send(self._streams.control(session, _text(message)))
        finally:
            self._streams.close(session)
            del self._stream_sessions[session]

    def _may_send(self, session: StreamSession) -> bool:
        """Count a message; return whether the connection may send it, and stay."""
        now, limits = self._venue.clock(), self._api.limits
        if not session.messages.exceeds(limits.messages, now):
            return True
        try:
            limits.note_refusal(session.address, now, STREAMS)
        except ExchangeError:
            self._close_address(self._stream_sessions, session.address)
        return False


def address_of(connection: ServerConnection) -> str:
    """Return whom a connection's request weight is charged to."""
    peer = connection.remote_address
    return str(peer[0]) if peer else ""


def _order_id(request: Request) -> int | None:
    """Return the order that a request asks for, as far as it says it."""
    asked = str(request.params.values.get("orderId"))
    return int(asked) if asked.isdigit() else None


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode(errors="replace")
