"""When a live key is looked at, and what follows from what was seen."""

from dataclasses import dataclass, field

import pytest

from symbol_trader.binance.errors import ConnectionsLimited
from symbol_trader.binance.guard import LOOK_AGAIN_S, LOOK_EVERY_S, KeyGuard
from symbol_trader.binance.keys import HmacKey, Key
from symbol_trader.binance.permissions import KeyPermissions
from symbol_trader.errors import BadCredentials, ExchangeUnavailable

KEY, OTHER = HmacKey("one", "secret"), HmacKey("two", "secret")
GOOD = KeyPermissions(forbidden=(), restricted=True, trades_spot=True)
BAD = KeyPermissions(forbidden=("enableWithdrawals",), restricted=True, trades_spot=True)


@dataclass
class Bench:
    """A guard whose clock and whose answers are set; what it asked and said is kept."""

    answer: KeyPermissions | Exception = GOOD
    now_s: float = 0.0
    asked: list[tuple[Key, int]] = field(default_factory=list)
    warnings: list[str | None] = field(default_factory=list)
    guard: KeyGuard = field(init=False)

    def __post_init__(self) -> None:
        self.guard = KeyGuard(
            self._look,
            allow_unrestricted=False,
            clock_s=lambda: self.now_s,
            warn=self.warnings.append,
        )

    async def _look(self, key: Key, now_ms: int) -> KeyPermissions:
        self.asked.append((key, now_ms))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_key_is_looked_at_before_it_trades_and_once_a_day() -> None:
    bench = Bench()
    await bench.guard.admit(KEY, 5)
    assert bench.asked == [(KEY, 5)]

    bench.now_s = LOOK_EVERY_S - 1
    await bench.guard.admit(KEY, 6)
    await bench.guard.look_again(KEY, 7)
    assert len(bench.asked) == 1

    bench.now_s = LOOK_EVERY_S
    await bench.guard.look_again(KEY, 8)
    assert bench.asked[1:] == [(KEY, 8)]


async def test_another_key_is_looked_at_whenever_it_comes() -> None:
    bench = Bench()
    await bench.guard.admit(KEY, 1)
    await bench.guard.admit(OTHER, 2)
    await bench.guard.admit(KEY, 3)
    assert [key for key, _ in bench.asked] == [KEY, OTHER, KEY]


async def test_a_key_that_cannot_be_looked_at_does_not_begin_to_trade() -> None:
    bench = Bench(ExchangeUnavailable("away"))
    for _ in range(2):
        with pytest.raises(ExchangeUnavailable):
            await bench.guard.admit(KEY, 1)
    assert bench.warnings == []


async def test_one_that_trades_goes_on_says_so_and_is_looked_at_again_in_an_hour() -> None:
    bench = Bench()
    await bench.guard.admit(KEY, 1)
    bench.answer, bench.now_s = ExchangeUnavailable("away"), LOOK_EVERY_S
    await bench.guard.look_again(KEY, 2)
    await bench.guard.admit(KEY, 3)
    assert bench.warnings[-1] == "what the key may do was not checked for over a day: away"
    assert len(bench.asked) == 2

    bench.answer, bench.now_s = GOOD, bench.now_s + LOOK_AGAIN_S
    await bench.guard.look_again(KEY, 4)
    assert bench.warnings[-1] is None


async def test_a_ban_that_is_longer_is_waited_out_before_the_next_look() -> None:
    bench = Bench()
    await bench.guard.admit(KEY, 1)
    bench.answer, bench.now_s = ConnectionsLimited("banned", 2 * LOOK_AGAIN_S), LOOK_EVERY_S
    await bench.guard.look_again(KEY, 2)
    bench.answer, bench.now_s = GOOD, bench.now_s + LOOK_AGAIN_S
    await bench.guard.look_again(KEY, 3)
    assert len(bench.asked) == 2

    bench.now_s += LOOK_AGAIN_S
    await bench.guard.look_again(KEY, 4)
    assert len(bench.asked) == 3


async def test_a_key_that_may_withdraw_is_refused_however_long_it_has_traded() -> None:
    bench = Bench(BAD)
    with pytest.raises(BadCredentials, match="enableWithdrawals"):
        await bench.guard.admit(KEY, 1)

    bench.answer = GOOD
    await bench.guard.admit(KEY, 2)
    bench.answer, bench.now_s = BAD, LOOK_EVERY_S
    with pytest.raises(BadCredentials, match="enableWithdrawals"):
        await bench.guard.look_again(KEY, 3)

    bench.answer = ExchangeUnavailable("away")
    with pytest.raises(ExchangeUnavailable):
        await bench.guard.admit(KEY, 4)


async def test_a_key_that_the_exchange_refuses_is_not_let_in_again() -> None:
    bench = Bench()
    await bench.guard.admit(KEY, 1)
    bench.answer, bench.now_s = BadCredentials("-2015"), LOOK_EVERY_S
    for _ in range(2):
        with pytest.raises(BadCredentials):
            await bench.guard.admit(KEY, 2)
