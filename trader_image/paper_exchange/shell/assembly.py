"""From settings to an exchange that stands still: journal replayed, market source in place."""

import secrets
from dataclasses import replace

from paper_exchange.accounts import AccountConfig, check_accounts
from paper_exchange.core.engine import Engine, Rules
from paper_exchange.core.errors import ConfigError
from paper_exchange.core.fees import BnbFees
from paper_exchange.core.state import State
from paper_exchange.core.symbols import Symbol, override
from paper_exchange.journal import FileJournal, Header, Journal, MemoryJournal
from paper_exchange.protocol.api import Api
from paper_exchange.protocol.limits import Limits
from paper_exchange.shell.config import Config, default_account
from paper_exchange.venue import Clock, Venue

INSTANCE_BYTES = 16


def open_venue(config: Config, clock: Clock) -> Venue:
    """Rebuild the exchange from its journal; raise `ConfigError` or `JournalError`."""
    state = State()
    engine = Engine(_symbols(config), _rules(config), state)
    venue = Venue(engine, _journal(config, state, clock), clock)
    traded = [asset for symbol in config.source.symbols for asset in symbol.assets]
    grants = [grant for account in accounts_of(config) for grant in account.grants(traded)]
    venue.commit(engine.open(clock(), config.source.name, grants))
    return venue


def make_api(config: Config, venue: Venue) -> Api:
    """Put the WebSocket API in front of an exchange."""
    limits = Limits(config.weight_limit, config.order_limit, config.daily_order_limit)
    venue.listen(limits.count_orders)
    return Api(venue, accounts_of(config), limits, config.page_limit)


def accounts_of(config: Config) -> tuple[AccountConfig, ...]:
    """Return the configured accounts, or the default one; raise `ConfigError`."""
    accounts = config.accounts or (default_account(config.source),)
    check_accounts(accounts)
    return accounts


def _rules(config: Config) -> Rules:
    return Rules(
        fees=config.fees,
        seed=config.seed,
        trades_only=config.source.trades_only,
        queue_multiple=config.queue_multiple,
        participation=config.participation,
        typical_trade=config.source.typical_trade,
        bnb_fees=_bnb_fees(config),
    )


def _bnb_fees(config: Config) -> BnbFees:
    own = {a.name: a.bnb_fees for a in accounts_of(config) if a.bnb_fees is not None}
    return replace(config.bnb_fees, accounts={**config.bnb_fees.accounts, **own})


def _symbols(config: Config) -> list[Symbol]:
    unknown = set(config.filters) - {symbol.name for symbol in config.source.symbols}
    if unknown:
        raise ConfigError(f"filters given for unknown symbols: {', '.join(sorted(unknown))}")
    return [
        override(symbol, dict(config.filters.get(symbol.name, {})))
        for symbol in config.source.symbols
    ]


def _journal(config: Config, state: State, clock: Clock) -> Journal:
    new = Header(secrets.token_hex(INSTANCE_BYTES), clock())
    if config.journal is None:
        return MemoryJournal(new)
    return FileJournal.open(
        config.journal, new, state, fsync=config.fsync, compact_after=config.compact_after
    )
