"""The methods that log a session on and off (WebSocket API, authentication requests)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_exchange.core import errors
from paper_exchange.protocol import account_methods
from paper_exchange.protocol.text import Millis

if TYPE_CHECKING:
    from paper_exchange.protocol.calls import Call
    from paper_exchange.protocol.render_orders import Json


def log_on(call: Call) -> Json:
    """Answer `session.logon`: from now on the session speaks for the key.

    How Binance refuses a key of another kind than Ed25519 is not documented.
    """
    api_key = call.params.text("apiKey")
    if not call.api.keys.logs_on(api_key):
        raise errors.bad_key()
    call.session.api_key, call.session.authorized = api_key, call.now
    return status(call)


def log_out(call: Call) -> Json:
    """Answer `session.logout`; a session that is not logged on is none the worse for it."""
    call.session.log_off()
    return status(call)


def status(call: Call) -> Json:
    """Answer `session.status`."""
    session = call.session
    return {
        "apiKey": session.api_key,
        "authorizedSince": None if session.authorized is None else Millis(session.authorized),
        "connectedSince": Millis(session.connected),
        "returnRateLimits": session.return_rate_limits,
        "serverTime": Millis(call.now),
        "userDataStream": bool(session.subscriptions),
    }


def subscribe(call: Call) -> Json:
    """Answer `userDataStream.subscribe`: the subscription ends with the logon."""
    subscribed = account_methods.subscribe(call)
    call.session.logon_subscription = subscribed["subscriptionId"]
    return subscribed
