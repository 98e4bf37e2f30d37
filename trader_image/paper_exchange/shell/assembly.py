"""From settings to an exchange that stands still: journal replayed, market source in place."""

import secrets
from dataclasses import replace

from paper_exchange.accounts import AccountConfig, check_accounts
from paper_exchange.commissions import check_known
from paper_exchange.core.engine import Engine, Rules
from paper_exchange.core.errors import ConfigError
from paper_exchange.core.fees import BnbFees
from paper_exchange.core.filters import ASSETS, EXCHANGE, ExchangeLimits
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
    names = [account.name for account in accounts_of(config)]
    check_known(config.commissions, names, engine.symbols)
    venue = Venue(engine, _journal(config, state, clock), clock)
    traded = [asset for symbol in config.source.symbols for asset in symbol.assets]
    grants = [grant for account in accounts_of(config) for grant in account.grants(traded)]
    venue.commit(engine.open(clock(), config.source.name, grants))
    return venue


def make_api(config: Config, venue: Venue) -> Api:
    """Put the WebSocket API in front of an exchange."""
    limits = Limits(config.limits)
    venue.follow(limits.count_orders)
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
        commissions=config.commissions,
        trade_groups=_trade_groups(config),
        limits=_limits(config),
    )


def _trade_groups(config: Config) -> dict[str, int]:
    return {a.name: a.trade_group for a in accounts_of(config) if a.trade_group is not None}


def _limits(config: Config) -> ExchangeLimits:
    limits = ExchangeLimits()
    for name, values in config.filters.get(EXCHANGE, {}).items():
        limits = limits.changed(name, values)
    for asset, most in config.filters.get(ASSETS, {}).items():
        limits = limits.limited(asset, most)
    return limits


def _bnb_fees(config: Config) -> BnbFees:
    own = {a.name: a.bnb_fees for a in accounts_of(config) if a.bnb_fees is not None}
    return replace(config.bnb_fees, accounts={**config.bnb_fees.accounts, **own})


def _symbols(config: Config) -> list[Symbol]:
    known = [symbol.name for symbol in config.source.symbols]
    unknown = set(config.filters) - {*known, EXCHANGE, ASSETS}
    if unknown:
        raise ConfigError(
            f"filters given for unknown symbols: {', '.join(sorted(unknown))}; "
            f"known: {', '.join((*known, EXCHANGE, ASSETS))}"
        )
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
