"""Everything that `serve` can be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from paper_exchange.accounts import AccountConfig, Key
from paper_exchange.core.errors import ConfigError
from paper_exchange.core.fees import BnbFees, Commission, CommissionKey
from paper_exchange.journal import COMPACT_AFTER
from paper_exchange.market.source import Source
from paper_exchange.protocol.limits import LimitSettings

DEFAULT_KEY = Key("paper", "paper-secret")
"""The demonstration's key pair: paper money needs no secret."""

DEFAULT_QUOTE_BALANCE = Decimal(1_000_000)
"""What the default account has of each quote asset."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one exchange.

    Ports of 0 are chosen by the system.  `journal` None keeps the record in memory only.
    It is compacted when it has grown to `compact_after` bytes.
    `connection_life` is in seconds.  With a certificate and its key (PEM files) everything but the
    admin interface is served over TLS alone.
    """

    source: Source
    accounts: tuple[AccountConfig, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    journal: Path | None = None
    fsync: bool = False
    compact_after: int = COMPACT_AFTER
    speed: Decimal = Decimal(1)
    paused: bool = False
    seed: int = 0
    fees: Commission = field(default_factory=Commission)
    bnb_fees: BnbFees = field(default_factory=BnbFees)
    commissions: Mapping[CommissionKey, Commission] = field(default_factory=dict)
    queue_multiple: Decimal = Decimal(1)
    participation: Decimal = Decimal(1)
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    page_limit: int = 1000
    limits: LimitSettings = field(default_factory=LimitSettings)
    connection_life: float = 86_400.0
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raise `ConfigError` with the setting's name."""
        if self.speed <= 0:
            raise ConfigError("speed must be more than 0")
        if not 0 < self.participation <= 1:
            raise ConfigError("participation must be more than 0 and at most 1")
        if self.fees.highest >= 1:
            raise ConfigError("a fee must be less than 1, with what is on top (0.001 is 0.1 %)")
        if not 0 <= self.bnb_fees.discount <= 1:
            raise ConfigError("the BNB discount must be between 0 and 1 (0.75 is a quarter off)")
        if self.compact_after < 1:
            raise ConfigError("the journal cannot be compacted after less than a byte")
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise ConfigError("TLS needs both: a certificate (tls-cert) and its key (tls-key)")
        if self.page_limit < 1:
            raise ConfigError("the page limit must be at least 1")


def default_account(source: Source) -> AccountConfig:
    """Return the account that exists when none is configured: rich in every quote asset."""
    quotes = dict.fromkeys(symbol.quote for symbol in source.symbols)
    balances = tuple((quote, DEFAULT_QUOTE_BALANCE) for quote in quotes)
    return AccountConfig(DEFAULT_KEY.api_key, (DEFAULT_KEY,), balances)
