"""The WebSocket API: request text in, reply and engine step out.

A request passes `parse` (well-formed?), `admit` (signed, in time, within limits?) and `execute`.
The receive window is judged at arrival and again just before execution, as Binance does.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from paper_exchange.accounts import AccountConfig
from paper_exchange.core import errors
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.events import Step
from paper_exchange.protocol.calls import Call, Method, Security
from paper_exchange.protocol.keys import Keys, SessionRevokedError
from paper_exchange.protocol.limits import Limits
from paper_exchange.protocol.methods import METHODS
from paper_exchange.protocol.params import Params
from paper_exchange.protocol.session import ApiSession
from paper_exchange.protocol.text import echo, loads
from paper_exchange.venue import Venue

AHEAD_ALLOWED = 1000
"""Milliseconds that a request's timestamp may be ahead of the server's time."""
DEFAULT_WINDOW = Decimal(5000)
LONGEST_WINDOW = Decimal(60000)
_MICROSECONDS_FROM = 10**14


def random_id() -> str:
    """Return a client order id that nobody else has."""
    return secrets.token_hex(11)


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed request."""

    id: int | str | None
    method: str
    params: Params


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request, and what else is to be told to everyone after it."""

    body: dict[str, Any]
    step: Step | None = None
    closes: bool = False
    """Whether all connections of the address are ended after it."""


class Api:
    """Answers requests of all connections."""

    def __init__(
        self,
        venue: Venue,
        accounts: tuple[AccountConfig, ...],
        limits: Limits,
        page_limit: int = 1000,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self.venue = venue
        self.limits = limits
        self.page_limit = page_limit
        self.new_id = new_id
        """Makes the client order ids that a request leaves to the exchange."""
        self.keys = Keys(accounts)

    def parse(self, text: str) -> Request:
        """Read a request; raise -1135 for what is none."""
        try:
            message = loads(text)
        except ValueError as exc:
            raise ExchangeError(-1135, "Invalid JSON Request") from exc
        if not isinstance(message, dict):
            raise ExchangeError(-1135, "Invalid JSON Request")
        request_id = echo(message.get("id"))
        params = message.get("params")
        method = message.get("method")
        if params is not None and not isinstance(params, dict):
            raise _with_id(
                ExchangeError(-1135, "Invalid 'params' in JSON request; expected an object."),
                request_id,
            )
        if not isinstance(method, str):
            raise _with_id(ExchangeError(-1135, "Invalid 'method' in JSON request."), request_id)
        return Request(request_id, method, Params(params or {}))

    def answer(self, session: ApiSession, request: Request, arrived: int) -> Reply:
        """Admit and execute a request that arrived at `arrived`; never raises a refusal."""
        method = METHODS.get(request.method.removeprefix("v3/"))
        account: str | None = None
        try:
            if method is None:
                raise ExchangeError(-1100, f"Unknown method '{request.method}'.")  # noqa: TRY301 - it is caught where all such are
            self.limits.charge(session.address, arrived, method.weight(request.params))
            account = self._admit(session, method, request.params, arrived)
            call = Call(self, session, request.params, account or "", self.venue.clock())
            self._check_time_again(method, call)
            result = method.run(call)
        except SessionRevokedError as error:
            return Reply({"id": None, "status": error.status, "error": _shown(error)})
        except ExchangeError as error:
            return self._error(session, request, method, account, error)
        if call.step:
            self.venue.commit(call.step)
        if method.free_if_done:  # successful order requests weigh nothing (since 2026-04-02)
            self.limits.weight.add(session.address, call.now, -method.weight(request.params))
        body = {"id": request.id, "status": 200, "result": result}
        return replace(self._reply(session, request, method, account, body), step=call.step)

    def refuse(self, session: ApiSession, error: ExchangeError) -> Reply:
        """Answer what `parse` could not read."""
        request = Request(getattr(error, "request_id", None), "", Params({}))
        return self.reject(session, request, error)

    def reject(self, session: ApiSession, request: Request, error: ExchangeError) -> Reply:
        """Answer a request by an error without looking at it any further."""
        return self._error(session, request, None, None, error)

    # -- parts -------------------------------------------------------------------------------

    def _admit(
        self, session: ApiSession, method: Method, params: Params, arrived: int
    ) -> str | None:
        if method.security is Security.NONE:
            return None
        if method.security is Security.SESSION or not params.has("apiKey"):
            account = self.keys.of_session(session)
            self._check_time(method, params, arrived)
            return account
        account = self.keys.account(params.text("apiKey"))
        params.text("signature")
        self._check_time(method, params, arrived)
        self.keys.verify(params)
        return account

    def _check_time(self, method: Method, params: Params, now: int) -> None:
        if method.security is Security.SIGNED:
            self.check_time(params, now)

    def check_time(self, params: Params, now: int) -> None:
        """Raise -1021 unless a request came within its window."""
        timestamp, window = _timestamp(params), _window(params)
        if timestamp >= now + AHEAD_ALLOWED:
            raise ExchangeError(
                -1021,
                f"Timestamp for this request was {AHEAD_ALLOWED}ms ahead of the server's time.",
            )
        if now - timestamp > window:
            raise ExchangeError(-1021, "Timestamp for this request is outside of the recvWindow.")

    def _check_time_again(self, method: Method, call: Call) -> None:
        """Judge the receive window just before execution: an order that is late then counts."""
        try:
            self._check_time(method, call.params, call.now)
        except ExchangeError:
            if method.shows_orders:
                self.limits.count_order(call.account, call.now)
            raise

    def _error(
        self,
        session: ApiSession,
        request: Request,
        method: Method | None,
        account: str | None,
        error: ExchangeError,
    ) -> Reply:
        body = {"id": request.id, "status": error.status, "error": _shown(error)}
        reply = self._reply(session, request, method, account, body)
        return replace(reply, closes=error.closes)

    def _reply(
        self,
        session: ApiSession,
        request: Request,
        method: Method | None,
        account: str | None,
        body: dict[str, Any],
    ) -> Reply:
        wanted = request.params.values.get("returnRateLimits", session.return_rate_limits)
        if str(wanted).lower() != "false":
            orders_of = account if method and method.shows_orders else None
            now = self.venue.clock()
            body["rateLimits"] = self.limits.used(session.address, orders_of, now)
        return Reply(body)


def _shown(error: ExchangeError) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": error.code, "msg": error.message}
    return {**shown, "data": error.data} if error.data else shown


def _with_id(error: ExchangeError, request_id: int | str | None) -> ExchangeError:
    error.request_id = request_id
    return error


def _timestamp(params: Params) -> Decimal:
    value = params.integer("timestamp")
    if value is None:
        raise errors.missing("timestamp")
    return Decimal(value) / 1000 if value >= _MICROSECONDS_FROM else Decimal(value)


def _window(params: Params) -> Decimal:
    if not params.has("recvWindow"):
        return DEFAULT_WINDOW
    try:
        window = Decimal(params.text("recvWindow"))
    except InvalidOperation as exc:
        raise errors.illegal("recvWindow", "^[0-9]{1,5}(\\.[0-9]{1,3})?$") from exc
    if not Decimal(0) <= window <= LONGEST_WINDOW:
        raise ExchangeError(-1131, "'recvWindow' must be less than 60000.")
    return window
