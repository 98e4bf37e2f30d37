"""Trade groups: accounts that must not trade with each other, as one account's orders must not."""

from collections.abc import Mapping

NO_TRADE_GROUP = -1
"""How the protocol writes that an account is in none."""


class TradeGroups:
    """Which account is in which trade group."""

    def __init__(self, by_account: Mapping[str, int]) -> None:
        self._by_account = by_account

    def of(self, account: str) -> int:
        """Return an account's trade group."""
        return self._by_account.get(account, NO_TRADE_GROUP)

    def kin(self, account: str) -> frozenset[str]:
        """Return the accounts that an account must not trade with, itself among them."""
        group = self.of(account)
        others = self._by_account.items() if group != NO_TRADE_GROUP else ()
        return frozenset({account, *(name for name, other in others if other == group)})
