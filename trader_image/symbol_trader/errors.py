"""What can go wrong outside, as one tree: whose matter it is, and whether waiting helps.

    LeaderError
    ├── Retryable           waiting helps: the leader tries again, and says what it waits for
    │   ├── Unavailable     the other side's: it passes by itself
    │   │   └── Database…, Exchange… and ApiServerUnavailable, and what adapters make of them
    │   └── NeedsPerson     a person's: somebody has to set something right meanwhile
    ├── SettledMeanwhile    nobody's: the leader starts over, at once
    ├── Fenced              nobody's: another leader trades, and this one ends
    └── InvalidInput        a person's: a command or a file cannot be carried out as it is given

Each text says what happened and what helps, without secrets. What never leaves its adapter (a
payload that cannot be parsed, say) is not among these.
"""


class LeaderError(Exception):
    """Something outside this program is not as it should be."""


class Retryable(LeaderError):  # noqa: N818 - a state of the world, not a mistake
    """It is waited out: the world has to change, and it may."""


class Unavailable(Retryable):
    """The other side cannot be reached now; try again. The text says what and why, no secrets.

    `retry_in_s` is how long the other side has said that it wants to be left alone, in seconds.
    """

    retry_in_s: float | None = None


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached, or does not let us in."""


class ExchangeUnavailable(Unavailable):
    """The exchange cannot be reached, or its user data stream is gone."""


class ApiServerUnavailable(Unavailable):
    """The API server cannot be reached: the resource can be neither read nor written."""


class NeedsPerson(Retryable):
    """It does not pass by itself: a person has to act, and the text says how."""


class OwnedByAnother(NeedsPerson):
    """The symbol belongs to another resource; the text names it and the remedy."""


class AccountChanged(NeedsPerson):
    """Open traders are on record for another account than the one the key belongs to."""


class SchemaMismatch(NeedsPerson):
    """The record's schema is not the one this program knows; the text says both versions."""


class RolledBack(NeedsPerson):
    """The record has lost what this process committed; the text says what."""


class Contradiction(NeedsPerson):
    """The exchange and the record cannot both be right; the text says about which order."""


class BadCredentials(NeedsPerson):
    """The exchange refuses the key or the signature (-2014, -2015, -1022)."""


class UnknownSymbol(NeedsPerson):
    """The exchange knows no such symbol (-1121)."""


class SettledMeanwhile(LeaderError):  # noqa: N818 - as `Retryable`
    """A person has settled an order since the record was loaded: it has to be loaded again."""


class Fenced(LeaderError):  # noqa: N818 - as `Retryable`
    """Another epoch holds the symbol: this process must not trade again."""


class InvalidInput(LeaderError):  # noqa: N818 - as `Retryable`
    """What a person gave cannot be carried out; the text says why and what to do."""
