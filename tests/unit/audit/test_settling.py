"""A symbol moves while it is read: only what every look finds is a difference."""

from symbol_trader.audit.auditing import LOOKS, READING, settled
from symbol_trader.audit.finding import Finding
from symbol_trader.audit.look import Audit
from symbol_trader.identity import LedgerKey

LEDGER = LedgerKey("paper", "1", "XRPUSDT")
LASTING = Finding("fill differs", "trade 1", "as seen first")
LASTING_STILL = Finding("fill differs", "trade 1", "as seen last")
PASSING = Finding("fill is not on record", "trade 2", "on its way")
LATER = Finding("fill is not on record", "trade 3", "on its way")


class Looks:
    """Answers look by look, and counts the pauses."""

    def __init__(self, *looks: tuple[Finding, ...], orders: int = 3) -> None:
        self._looks = iter(looks)
        self._orders = orders
        self.pauses = 0

    async def look(self) -> Audit:
        return Audit(LEDGER, self._orders, 2, 1, 0, next(self._looks))

    async def pause(self) -> None:
        self.pauses += 1

    async def audit(self) -> Audit:
        return await settled(self.look, self.pause)


async def test_one_look_is_enough_where_nothing_differs() -> None:
    looks = Looks(())
    assert (await looks.audit()).passed
    assert looks.pauses == 0


async def test_what_passes_is_no_difference() -> None:
    looks = Looks((PASSING,), ())
    assert (await looks.audit()).passed
    assert looks.pauses == 1


async def test_what_stays_is_told_as_it_was_seen_last() -> None:
    looks = Looks((LASTING, PASSING), (LASTING, LATER), (LASTING_STILL,))
    found = await looks.audit()
    assert not found.passed
    assert [finding.detail for finding in found.findings] == ["as seen last"]
    assert looks.pauses == LOOKS - 1


async def test_what_comes_late_is_not_blamed() -> None:
    assert (await Looks((LASTING,), (LASTING, LATER), (LATER,)).audit()).passed


async def test_nothing_compared_is_a_failure() -> None:
    assert not (await Looks((), orders=0).audit()).passed


def test_a_slow_machine_costs_an_audit_no_session() -> None:
    """A leader that is frozen in a transaction keeps others waiting; reading keeps nobody."""
    assert READING.idle_in_transaction_ms >= READING.statement_ms
