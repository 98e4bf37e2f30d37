"""What the exchange says of the symbol and its fees, which leaders share through the record."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from symbol_trader.binance import replies, symbols
from symbol_trader.binance.budgets import StatedLimits
from symbol_trader.binance.errors import RequestRefused, UnreadableReply
from symbol_trader.binance.requesting import RequestClient, readable
from symbol_trader.binance.surprises import Surprise, Surprises
from symbol_trader.core.error_codes import UNKNOWN_SYMBOL
from symbol_trader.core.symbols import DEFAULT_COMMISSION, Commission, SymbolInfo
from symbol_trader.errors import UnknownSymbol

_INFO, _COMMISSION = "exchangeInfo", "account.commission"
_MS_PER_S = 1_000

log = logging.getLogger(__name__)


class KnownReplies(Protocol):
    """What the exchange said of symbols to the leaders on an account. Methods raise `Unavailable`.

    `account` is its uid: two exchanges of one environment have accounts of their own.
    """

    async def find(
        self, method: str, symbol: str, account: str, age_max_s: float
    ) -> tuple[Any, float] | None:
        """Return a reply and its age in seconds; None where there is none that is young enough."""

    async def keep(self, method: str, symbol: str, account: str, result: Any) -> None:
        """Keep a reply that came just now, in place of an older one."""

    async def forget(self, method: str, symbol: str) -> None:
        """Forget a reply, whatever account it is about: it is not true any more."""


class Descriptions:
    """Reads the symbol and its commission; what is read afresh is kept for all in `known`.

    `client` returns what asks now. `check_unknown` makes sure that a symbol which is denied is not
    known to the account either, or raises. `told` hears the limits that come with a symbol.
    """

    def __init__(
        self,
        symbol: str,
        client: Callable[[], RequestClient],
        *,
        known: KnownReplies | None,
        surprises: Surprises,
        check_unknown: Callable[[str], Awaitable[None]],
        told: Callable[[StatedLimits], None],
    ) -> None:
        self._symbol = symbol
        self._client = client
        self._known = known
        self._surprises = surprises
        self._check_unknown = check_unknown
        self._told = told
        self.account = ""
        """The account's uid, once it is known."""

    async def symbol(self, age_max_s: float) -> SymbolInfo:
        """Read the symbol, or take what any leader read so long ago. Raises `UnknownSymbol`."""
        if found := await self._find(_INFO, age_max_s):
            result, age_s = found
            read_ms = self._client().now_ms() - round(age_s * _MS_PER_S)
            return replace(self._described(result), read_ms=read_ms)
        try:
            result = await self._client().read(_INFO, {"symbol": self._symbol}, private=False)
        except RequestRefused as exc:
            if exc.code != UNKNOWN_SYMBOL:
                raise
            await self.forget()
            await self._check_unknown(self._symbol)
            raise UnknownSymbol(f"the exchange does not know the symbol {self._symbol}") from exc
        info = readable(_INFO, result, self._described)
        await self._keep(_INFO, result)
        return info

    async def commission(self, age_max_s: float) -> Commission:
        """Read the account's commission on the symbol, or its general one, or assume the default.

        Only where the exchange has no such answer; being unreachable is `Unavailable`. What any
        leader on the account read so long ago will do.
        """
        if found := await self._find(_COMMISSION, age_max_s):
            return readable(_COMMISSION, found[0], replies.commission)
        client = self._client()
        try:
            result = await client.read(_COMMISSION, {"symbol": self._symbol}, private=True)
            commission = readable(_COMMISSION, result, replies.commission)
        except (RequestRefused, UnreadableReply) as exc:
            log.warning("no commission of the symbol, asking for the account's: %s", exc)
        else:
            await self._keep(_COMMISSION, result)
            return commission
        try:
            return await client.query("account.status", {}, replies.account_commission)
        except (RequestRefused, UnreadableReply) as exc:
            log.warning("no commission of the account, assuming the standard one: %s", exc)
        return DEFAULT_COMMISSION

    async def forget(self) -> None:
        """Let no leader go by what was said of the symbol: the exchange denies it."""
        if self._known is not None:
            await self._known.forget(_INFO, self._symbol)

    async def _find(self, method: str, age_max_s: float) -> tuple[Any, float] | None:
        if self._known is None or not age_max_s:
            return None
        return await self._known.find(method, self._symbol, self.account, age_max_s)

    async def _keep(self, method: str, result: Any) -> None:
        if self._known is not None:
            await self._known.keep(method, self._symbol, self.account, result)

    def _described(self, result: Any) -> SymbolInfo:
        """Read the symbol, and the limits.

        Filters that are not known are counted, and left to the exchange.
        """
        self._told(replies.stated_limits(result))
        info = symbols.symbol_info(result, self._symbol)
        for kind, shown in symbols.unknown_filters(result, self._symbol).items():
            self._surprises.note(Surprise.UNKNOWN_FILTER, kind, f"left to the exchange: {shown}")
        return info
