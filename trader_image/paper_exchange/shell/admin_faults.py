"""The administrator's commands that make things go wrong: docs/reference/paper-exchange.md."""

from paper_exchange.core.errors import ExchangeError
from paper_exchange.faults import ANY, Faults, Rule, fault_named
from paper_exchange.protocol.api import Api
from paper_exchange.protocol.limits import EVERYONE
from paper_exchange.shell.admin import AdminError, Command, Params
from paper_exchange.shell.connections import Connections
from paper_exchange.venue import SkewedClock

CHANNELS = {"all": (True, True), "api": (True, False), "streams": (False, True)}
"""What a command about connections is for: (requests and user data, market streams)."""
DEFAULT_DELAY_MS = 1_000
RATE_LIMITED = -1003
OVERLOADED = (
    "Server is currently overloaded with other requests. Please try again in a few minutes."
)
MESSAGES = {-1008: OVERLOADED}
"""What an error says unless told otherwise."""
STREAM_KINDS = {
    "all": frozenset({"trade", "aggTrade", "bookTicker"}),
    "trades": frozenset({"trade", "aggTrade"}),
    "quotes": frozenset({"bookTicker"}),
    "none": frozenset[str](),
}
"""What market streams can be mute about."""


class Disturbances:
    """Faults of requests, events, connections and of the clock."""

    def __init__(
        self, api: Api, faults: Faults, connections: Connections, clock: SkewedClock
    ) -> None:
        self._api = api
        self._faults = faults
        self._connections = connections
        self._clock = clock

    @property
    def commands(self) -> dict[str, Command]:
        """Return the commands by name."""
        return {
            "fault": self.fault,
            "faults": self.faults,
            "clear-faults": self.clear_faults,
            "cut": self.cut,
            "stall": self.stall,
            "mute": self.mute,
            "ban": self.ban,
            "end-user-data": self.end_user_data,
            "announce-shutdown": self.announce_shutdown,
            "page-limit": self.page_limit,
            "clock-skew": self.clock_skew,
        }

    def fault(self, params: Params) -> Params:
        """Disturb requests of a method, or events of a kind."""
        for_ms = params.get("forMs")
        usual_times = 1 if for_ms is None else 0
        skip, times = int(params.get("skip", 0)), int(params.get("times", usual_times))
        delay_ms = int(params.get("delayMs", DEFAULT_DELAY_MS))
        if min(skip, times, delay_ms, int(for_ms or 0)) < 0:
            raise AdminError("skip, times, delayMs and forMs must not be negative")
        rule = Rule(
            fault_named(str(params["fault"])),
            str(params.get("target", ANY)),
            skip,
            times,
            delay_ms,
            self._error(params) if "code" in params else None,
            int(params["orderId"]) if "orderId" in params else None,
            None if for_ms is None else self._clock() + int(for_ms),
        )
        self._faults.add(rule)
        return _shown(rule)

    def _error(self, params: Params) -> ExchangeError:
        """Read the error that a refusal answers by; -1003 says until when to stay away."""
        code = int(params["code"])
        message = str(params.get("message", MESSAGES.get(code, "refused on purpose")))
        if code != RATE_LIMITED:
            return ExchangeError(code, message)
        until = self._clock() + int(params.get("retryAfterMs", DEFAULT_DELAY_MS))
        data = {"serverTime": self._clock(), "retryAfter": until}
        return ExchangeError(code, message, status=429, data=data)

    def faults(self, _: Params) -> Params:
        """Show all rules since the last clear-faults and how often each has hit."""
        return {"faults": [_shown(rule) for rule in self._faults.rules]}

    def clear_faults(self, _: Params) -> Params:
        """Disturb nothing any more."""
        self._faults.clear()
        return {}

    def cut(self, params: Params) -> Params:
        """Cut connections without a closing handshake."""
        api, streams = _channels(params)
        return {"connections": self._connections.cut(api=api, streams=streams)}

    def stall(self, params: Params) -> Params:
        """Silence connections without closing them."""
        api, streams = _channels(params)
        return {"connections": self._connections.stall(api=api, streams=streams)}

    def mute(self, params: Params) -> Params:
        """Silence market streams while trading goes on; they stay open and answer pings."""
        kinds = str(params.get("kinds", "all"))
        if kinds not in STREAM_KINDS:
            raise AdminError(f"unknown kinds {kinds!r}; known: {', '.join(STREAM_KINDS)}")
        also_new = bool(params.get("alsoNew", False))
        return {"connections": self._connections.mute(STREAM_KINDS[kinds], also_new=also_new)}

    def ban(self, params: Params) -> Params:
        """Ban an address, or all, from the WebSocket API for some milliseconds; 0 ends it."""
        ms = int(params["ms"])
        if ms < 0:
            raise AdminError(f"ms must not be negative: {ms}")
        until = self._clock() + ms
        self._api.limits.ban(until, str(params.get("address", EVERYONE)))
        return {"until": until}

    def end_user_data(self, _: Params) -> Params:
        """End the subscriptions to user data; their connections stay."""
        return {"subscriptions": self._connections.end_user_data()}

    def announce_shutdown(self, _: Params) -> Params:
        """Announce to every connection that the server is about to close, without closing."""
        return {"connections": self._connections.say_shutdown()}

    def page_limit(self, params: Params) -> Params:
        """Change the most rows in one reply."""
        limit = int(params["rows"])
        if limit < 1:
            raise AdminError(f"rows must be positive: {limit}")
        self._api.page_limit = limit
        return {"rows": limit}

    def clock_skew(self, params: Params) -> Params:
        """Set the server's clock off by so many milliseconds."""
        self._clock.skew_ms = int(params["ms"])
        return {"ms": self._clock.skew_ms}


def _channels(params: Params) -> tuple[bool, bool]:
    channel = str(params.get("channel", "all"))
    if channel not in CHANNELS:
        raise AdminError(f"unknown channel {channel!r}; known: {', '.join(CHANNELS)}")
    return CHANNELS[channel]


def _shown(rule: Rule) -> Params:
    return {
        "fault": rule.fault.value,
        "target": rule.target,
        "skip": rule.skip,
        "times": rule.times,
        "hits": rule.hits,
    }
