"""The auditor of limits sees each rule broken: left out of what refuses buys, it fails a seed."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from simulation.account import DAILY_LOSS, DRAWDOWN, MINUTE_MS, PERSON, Account
from simulation.report import REFUSALS
from simulation.tally import Tally
from simulation.world import World
from symbol_trader.core.limits import AccountLimit
from symbol_trader.core.money import ZERO
from symbol_trader.core.orders import Intent

SEEDS_MOST = 400
RARE = {"the highest": 1_100}
"""Where to begin to look for what few seeds show."""
Patch = Callable[[pytest.MonkeyPatch], None]


def unchecked(reason: str) -> Patch:
    """Leave out what one field of a limit asks."""
    checks = Account._checks

    def without(self: Account, limit: AccountLimit, buy: Intent) -> dict[str, Callable[[], bool]]:
        return {
            name: reached for name, reached in checks(self, limit, buy).items() if name != reason
        }

    return lambda patch: patch.setattr(Account, "_checks", without)


def not_halting(kind: str) -> Patch:
    """Let something not halt: losses of a kind, a person or a kill switch."""

    def standing(self: Account) -> dict[str, Any]:
        rows = {source: row for source, row in self._halts.items() if self._stands(row)}
        return {source: row for source, row in rows.items() if not source.startswith(kind)}

    return lambda patch: patch.setattr(Account, "standing", property(standing))


def lifted_with_its_limit(patch: pytest.MonkeyPatch) -> None:
    """Let a halt not outlive its limit."""
    forget = Account.forget

    def lift(self: Account, uid: str) -> bool:
        self._halts.pop(f"limit {uid}", None)
        return forget(self, uid)

    patch.setattr(Account, "forget", lift)


def loosest_of_two(patch: pytest.MonkeyPatch) -> None:
    """Let only one of several limits count."""
    of_symbol = Account._of_symbol
    patch.setattr(Account, "_of_symbol", lambda self: of_symbol(self)[:1])


def resumed_by_the_day(patch: pytest.MonkeyPatch) -> None:
    """Let the turn of the day end every daily loss."""
    lose = Account._lose

    def pass_by(self: Account, source: str, limit: AccountLimit) -> None:
        lose(self, source, replace(limit, resume="NextDay"))

    patch.setattr(Account, "_lose", pass_by)


def without_fees(patch: pytest.MonkeyPatch) -> None:
    """Leave commission out of what was lost."""
    worth: Callable[[Account], Decimal] = vars(Account)["worth"].fget

    def more(self: Account) -> Decimal:
        flows = [self.rows.flow(name) for name in self.rows.traders]
        return worth(self) + sum((flow.fee_values for flow in flows), ZERO)

    patch.setattr(Account, "worth", property(more))


def at_cost(patch: pytest.MonkeyPatch) -> None:
    """Value what is open at its cost, whatever the bid."""

    def realised(self: Account) -> Decimal:
        return sum((result.profit for result in self.rows.results), ZERO)

    patch.setattr(Account, "worth", property(realised))


def highest_of_the_day(patch: pytest.MonkeyPatch) -> None:
    """Forget the highest result when a new day begins."""
    evaluate = Account._evaluate

    def forget(self: Account) -> None:
        if self.result and self.result.day < self.today:
            self.result.highest = self.result.result
        evaluate(self)

    patch.setattr(Account, "_evaluate", forget)


def days_of_a_minute(patch: pytest.MonkeyPatch) -> None:
    """Let losses of a day count from each minute."""
    patch.setattr(Account, "today", property(lambda self: self._now_ms() // MINUTE_MS))


def resuming_forgives_all(patch: pytest.MonkeyPatch) -> None:
    """Let losses count anew at each resuming, whatever had halted."""
    resume = Account.resume

    def forgive(self: Account) -> None:
        resume(self)
        if self.result:
            self.result.day_start = self.result.highest = self.result.result

    patch.setattr(Account, "resume", forgive)


BREAKS: dict[str, Patch] = {
    **{reason: unchecked(reason) for reason in REFUSALS if reason != "Halted"},
    "a daily loss": not_halting(DAILY_LOSS),
    "a drawdown": not_halting(DRAWDOWN),
    "a person": not_halting(PERSON),
    "a kill switch": not_halting("limit "),
    "the stricter of two": loosest_of_two,
    "a deleted limit's halt": lifted_with_its_limit,
    "Manual": resumed_by_the_day,
    "fees": without_fees,
    "the bid": at_cost,
    "the highest": highest_of_the_day,
    "the day": days_of_a_minute,
    "what resuming forgives": resuming_forgives_all,
}


def found(what: str) -> bool:
    """Return whether a seed complains about a buy."""
    first = RARE.get(what, 0)
    for seed in range(first, first + SEEDS_MOST):
        try:
            World(seed, Tally()).run()
        except AssertionError as exc:
            print(f"{what}: seed {seed}: {exc}")
            return True
    return False


@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_rule_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BREAKS[what](monkeypatch)

    assert found(what)
