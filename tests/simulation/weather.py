"""How bad it is: the probabilities of one seed's faults.

Each seed draws its own, and most of them are zero or large: a fault that is rare everywhere never
meets another.
"""

from dataclasses import dataclass, fields
from random import Random

LEVELS = (0.0, 0.0, 0.02, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Weather:
    """Probabilities, each per occasion; the defaults are a calm day."""

    # A request that acts.
    lose_request: float = 0.0
    lose_reply: float = 0.0
    late_request: float = 0.0
    """It is under way for seconds, and may come after its window."""
    late_reply: float = 0.0
    """It is answered after its events, and perhaps after the leader's patience."""
    slow_engine: float = 0.0
    """The exchange took it and works on it for seconds."""
    timeout_executed: float = 0.0
    """-1007, and the exchange did it."""
    timeout_not_executed: float = 0.0
    """-1007, and the exchange did not."""
    dead_socket: float = 0.0
    """The session ends while it is under way; it may arrive all the same."""
    overload: float = 0.0
    """-1015: refused for the moment."""
    reject: float = 0.0
    """The exchange takes it and rejects it at once: a report says so, and the reply, if any."""

    # The user data stream.
    lose_report: float = 0.0
    repeat_report: float = 0.0
    slow_report: float = 0.0
    """It comes seconds later, after others that were sent after it."""
    swap_report: float = 0.0
    """It comes just after the one that was sent after it."""

    # A request that only reads.
    lag: float = 0.0
    """A new order is denied: the query is answered as things stood before."""
    unreachable: float = 0.0
    """It gets no answer."""
    busy_read: float = 0.0
    """-1008: the adapter asks again until the exchange has time for it, seconds later."""

    # The record.
    lose_statement: float = 0.0
    """The connection ends before a statement is carried out."""
    lose_commit: float = 0.0
    """It is carried out, and the connection ends before the answer."""

    # The resource.
    lose_patch: float = 0.0
    """It was switched off, and the answer did not come."""

    # The exchange, and others: each per tick.
    expire: float = 0.0
    """The exchange ends an order of ours."""
    foreign_cancel: float = 0.0
    """A person cancels an order of ours, and says to go on a while later."""

    # Links and people: each per tick.
    market_gone: float = 0.0
    """The market stream is away for seconds."""
    market_lags: float = 0.0
    """The market stream is late by seconds for a while."""
    market_silent: float = 0.0
    """The market stream brings nothing any more, and stays open."""
    stream_gone: float = 0.0
    """The user data stream alone ends."""
    clock_off: float = 0.0
    """The leader's measure of the exchange's clock is off by seconds until it is corrected."""
    ban: float = 0.0
    """The exchange has banned the address, for a moment or for longer than reading is repeated."""
    exchange_away: float = 0.0
    """No session can be opened for seconds."""
    maintenance: float = 0.0
    """The exchange is away for minutes or hours, and nothing is traded meanwhile."""
    key_revoked: float = 0.0
    """The key is taken no longer, also for what is under way, until a person has exchanged it."""
    database_down: float = 0.0
    """Nothing can be asked of the record for seconds."""
    api_server_away: float = 0.0
    """The resource can neither be read nor written for seconds."""
    halt: float = 0.0
    """The symbol does not trade for seconds."""
    flip: float = 0.0
    """A person changes the status."""
    change: float = 0.0
    """A person changes the settings."""
    terminate: float = 0.0
    """The process is asked to end, and a new pod takes its place."""

    # What the exchange or a person does to an order, to its trades or to the balance: each per
    # tick, but for the first two, which are per order of the leg.
    end_buy_at_once: float = 0.0
    """For seconds, the exchange ends each buy as soon as it is on the book."""
    base_gone: float = 0.0
    """Part of what was just bought leaves the account: it pays other fees, or a person takes it."""
    amend: float = 0.0
    """A person reduces an order of ours, which keeps its place."""
    prevent: float = 0.0
    """Self-trade prevention reduces an order of ours (DECREMENT)."""
    forget: float = 0.0
    """The exchange forgets an order that has executed nothing: -2013 from then on, or -2026."""
    reset: float = 0.0
    """A testnet is reset: it forgets our open orders, or ends those that have executed something,
    all base asset goes, and every session ends."""
    hide_trades: float = 0.0
    """`myTrades` is empty for up to a minute."""
    market_stalled: float = 0.0
    """Prices wait for seconds and then come all at once."""

    def likely(self) -> dict[str, float]:
        """Return the faults that can happen at all, by name."""
        chances = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: chance for name, chance in chances.items() if chance > 0}


_RARE = {
    "overload": 3,
    "reject": 3,
    "unreachable": 20,
    "busy_read": 20,
    "lose_statement": 20,
    "lose_commit": 20,
    "expire": 20,
    "foreign_cancel": 40,
    "market_gone": 20,
    "market_lags": 20,
    "market_silent": 40,
    "ban": 60,
    "stream_gone": 40,
    "clock_off": 40,
    "exchange_away": 60,
    "maintenance": 300,
    "key_revoked": 60,
    "database_down": 60,
    "api_server_away": 60,
    "halt": 60,
    "flip": 10,
    "change": 20,
    "terminate": 60,
    "dead_socket": 3,
    "lose_request": 2,
    "timeout_not_executed": 2,
    "end_buy_at_once": 20,
    "amend": 10,
    "prevent": 20,
    "forget": 20,
    "reset": 100,
    "hide_trades": 60,
    "market_stalled": 20,
}
"""What would leave nothing else to happen is drawn this many times rarer."""


def drawn(random: Random) -> Weather:
    """Draw a seed's weather."""
    names = [field.name for field in fields(Weather)]
    return Weather(**{name: random.choice(LEVELS) / _RARE.get(name, 1) for name in names})


CALM = Weather()
