"""What the audit says: a difference, or a remark, each with the remedy."""

from dataclasses import dataclass, field
from typing import Final

_SHOW: Final = "look at both sides of it before the symbol goes on"
_MONEY: Final = (
    "the row does not follow from its fills: did a person or another version change it? "
    "restore the record, or correct the row"
)

REMEDIES: Final = {
    "order is not on record": "restore the record, or answer for it with `symbol-trader disown`",
    "order is not on the exchange": (
        "was the account or the exchange's test network reset? "
        "then settle the order with `symbol-trader settle`"
    ),
    "fill is not on record": "if no leader runs, start one: it takes the fill up",
    "fill is not on the exchange": "is it the same account? ask the exchange's support",
    "fills do not add up": "ask again later; the exchange lists fills with a delay",
    "buy is doubled": _SHOW,
    "sell is doubled": _SHOW,
    "two orders at once": _SHOW,
    "two live orders on record": _SHOW,
    "order outlives its trader": "cancel it on the exchange",
    "fee is counted in another asset": "correct `fee_in` of the fill",
    "fee value does not follow from its price": "correct `fee_value` of the fill",
    "profit does not follow from its fills": _MONEY,
    "inventory is not explained": _MONEY,
    "cost of what it left is wrong": _MONEY,
    "total is wrong": "correct the row of the ledger in `owners` to what its traders add up to",
    "more traders than chunks": "was `chunks` lowered while they ran? then they end by themselves",
    "over budget": "was `budget` lowered while they ran? then they end by themselves",
    "a person said how it ended": "nothing is to be done",
    "its fills are given up": "nothing is to be done; its trader counts without its fees",
    "it was amended": "nothing is to be done",
    "fee is not valued": "the leader asks for its price again; until then the profit lacks it",
}
"""What differs -> what to do about it."""

OTHERWISE: Final = "docs/how-to/runbook.md says what a contradiction asks for"


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference. `what` and `subject` tell it from others; `detail` says how far it goes."""

    what: str
    subject: str
    detail: str = field(compare=False)

    def __str__(self) -> str:
        """Return it in one line, with the remedy."""
        return f"{self.subject}: {self.what}: {self.detail} ({self.remedy})"

    @property
    def remedy(self) -> str:
        """Return what a person can do about it."""
        return REMEDIES.get(self.what, OTHERWISE)
