"""One case with real processes: a leader ends at its step, another takes up, the books agree."""

import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.cases import RENEWAL, RESTING, Case, Entry, Way
from crash.harness import HarnessFailed, harness_reason
from crash.victim import STEP_VARIABLE, TRACE_VARIABLE
from support.books import compare
from support.keys import ED25519, MadeKey
from support.people import SYMBOL, account_at, trade_at_last
from support.processes import AdminRefusedError, Bot, Running, Venue, until, venue
from symbol_trader.audit.auditing import audit
from symbol_trader.binance.keys import read_key
from symbol_trader.core.orders import Side
from symbol_trader.errors import DatabaseUnavailable

FAST = ("--speed", "40")
"""Market time per wall time: cycles finish in seconds."""
FEES = ("--bnb-fees", "--bnb-price", "600", "--balances", "USDT=1000000,BNB=0.0004")
"""Commission is taken in BNB, which has to be valued, until there is too little of it."""
QUICK = (
    *("--recv-window-ms", "300", "--exchange-timeout-ms", "400", "--exchange-margin-ms", "100"),
    *("--reconcile-s", "1"),
)
"""The times that safety waits for, as fractions of the real ones."""
SOLD = r"trader finished.*why=sold"
SOLD_S = 8
"""How long a leader that has begun to sell is given to finish cycles; the market may not want."""
ENDED_S = 120
"""How long a shutdown with a deadline of a second may take under any fault of the matrix, on a busy
machine too: an exchange that does not answer is called once a minute in the end."""
REGULAR = {"record.settled_meanwhile", "exchange.has_room"}
"""What is called once a second, and not at all by a leader that has sold all before."""
LIVES_MOST = 4
"""Lives that a leader is given to come to its step. Whether an order rests, or a cycle ends, at the
moment of a reconciliation is the market's business; the next life begins with one."""
SHUTDOWN = {"status": "shutdown", "shutdown": "{deadline: 1s, atDeadline: Sell}"}
TRADING = {"status": "on", "chunks": 3, "maxBuyAge": "1s", "profitInterval": "-0.15%"}
TOO_MUCH = {"profitInterval": "15%"}
REFUSED_BY_A_FILTER: tuple[str, dict[str, Any]] = (
    "fault",
    {"fault": "refused", "target": "order.place", "code": -1013, "times": 1},
)
OCCASIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "ownership.confirm": ("cut", {"channel": "api"}),
    RENEWAL: ("announce-shutdown", {}),
    **dict.fromkeys(("exchange.asset_limits", "myFilters"), REFUSED_BY_A_FILTER),
    "exchange.order": ("fault", {"fault": "request-lost", "target": "order.place", "times": 1}),
    "record.unrecorded_client_order_ids": (
        "fault",
        {"fault": "event-delayed", "target": "NEW", "times": 0, "delayMs": 300},
    ),
}
"""What has to happen for a call to be made at all: an announced end; filters to be read again, as
an order is refused; a lost link; a lost order (what rests is read
off the book); late news of a finished trader."""
BY_HAND = "exchange.order_by_id"
"""This call needs a trade that is not the leader's: a person makes one."""
LIVE_KEY = MadeKey(ED25519, "the-key-of-the-live-entry")
DRAINED = 0
FENCED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case."""

    case: Case
    reached: bool
    orders: int
    fills: int
    problems: tuple[str, ...]


@dataclass(slots=True)
class Life:
    """The processes around one case."""

    case: Case
    folder: Path
    bot: Bot
    venue: Venue

    @property
    def trace(self) -> Path:
        """Where the victim writes its steps."""
        return self.folder / "trace"

    async def run(self) -> Outcome:
        """Live through the case."""
        try:
            reached = await self._reach_step()
            await self._second_life(self.bot.running if self._frozen else None)
            return await self._judge(reached)
        except (AssertionError, TimeoutError, AdminRefusedError, DatabaseUnavailable) as exc:
            if reason := harness_reason(exc):
                raise HarnessFailed(reason) from exc
            return Outcome(self.case, False, 0, 0, (f"{type(exc).__name__}: {exc}",))

    @property
    def _sells_rest(self) -> bool:
        return self.case.step.call in RESTING

    @property
    def _is_regular(self) -> bool:
        return self.case.step.call in REGULAR

    @property
    def _frozen(self) -> bool:
        return self.case.step.way is Way.FROZEN

    async def _reach_step(self) -> bool:
        for _ in range(LIVES_MOST):
            if await self._first_life():
                return True
        return False

    @property
    def _thawed_code(self) -> int:
        """Return how a frozen leader ends: fenced, unless it was done but for one last word."""
        return DRAINED if self.case.step.call == "ownership.release" else FENCED

    async def _first_life(self) -> bool:
        """Trade until the step is reached; a shutdown reaches those that trading does not."""
        for command, params in self.case.fault.from_start:
            await self.venue.admin(command, **params)
        wanted = {**TRADING, **(TOO_MUCH if self._sells_rest else {})}
        self.bot.ask(**wanted)
        victim = await self._start_victim()
        begun = "sell open" if self._sells_rest else "placing sell"
        await victim.said(f"{begun}|reached ")
        await self._disturb(victim)
        if not self._sells_rest:
            last, times = ("reached ", 1) if self._is_regular else (rf"{SOLD}|reached ", 2)
            with contextlib.suppress(AssertionError):
                await victim.said(last, times=times, within_s=SOLD_S)
        if not victim.count("reached "):
            self.bot.ask(**{**wanted, **SHUTDOWN})
            await until(lambda: victim.over or victim.count("reached "), within_s=ENDED_S)
        return victim.count("reached ") > 0

    async def _start_victim(self) -> Running:
        chosen = {STEP_VARIABLE: str(self.case.step), TRACE_VARIABLE: str(self.trace)}
        return await self.bot.start("crash.victim", **chosen)

    async def _disturb(self, victim: Running) -> None:
        if victim.over:
            return
        for command, params in self.case.fault.once_trading:
            await self.venue.admin(command, **params)
        if occasion := OCCASIONS.get(self.case.step.call):
            await self.venue.admin(occasion[0], **occasion[1])
        if self.case.step.call == BY_HAND:
            await trade_at_last(self.venue, Side.BUY, "by-hand")

    async def _second_life(self, frozen: Running | None) -> None:
        """Take up what the first left, in calm weather, finish a cycle and shut down.

        A clock that was set forward stays so: an exchange's does not run backwards.
        """
        await self.venue.admin("clear-faults")
        self.bot.ask(**TRADING)
        second = await self.bot.start()
        await second.said("unfinished on record|placing sell|trader finished")
        with contextlib.suppress(AssertionError):
            await second.said(SOLD, within_s=SOLD_S)
        if frozen and not frozen.over:
            frozen.signal(signal.SIGCONT)
            assert await frozen.ended(ENDED_S) == self._thawed_code, "it thawed and was not fenced"
        self.bot.ask(**{**TRADING, **SHUTDOWN})
        assert await second.ended(ENDED_S) == 0, "\n".join(second.lines[-20:])

    async def _judge(self, reached: bool) -> Outcome:
        """Compare the exchange's journal and its API with the record."""
        database, environment = self.bot.database, str(self.case.entry)
        comparison = await compare(self.venue.journal, database, SYMBOL, environment)
        await self.venue.admin("page-limit", rows=1000)
        settings, hmac = account_at(self.venue)
        key = read_key(LIVE_KEY.files) if self.case.entry is Entry.LIVE else hmac
        audited = await audit(database, environment, settings, key, pause_s=0.1)
        problems = [*comparison.differences, *map(str, audited.findings)]
        if not audited.orders:
            problems.append("nothing was compared")
        return Outcome(self.case, reached, comparison.orders, comparison.fills, tuple(problems))


def live_account(folder: Path) -> tuple[str, ...]:
    """Write the account of the live entry for the exchange; return its arguments."""
    # A person of the paper entry's key may trade in the same account.
    key = {"apiKey": "paper", "secret": "paper-secret"}
    balances = {"USDT": "1000000", "BNB": "0.0004"}
    account = {"name": "live", "keys": [key, LIVE_KEY.registered], "balances": balances}
    path = folder / "accounts.json"
    path.write_text(json.dumps([account]))
    return "--accounts", str(path)


def trade_live(bot: Bot) -> None:
    """Give the leader an Ed25519 key, and let it look at that before it trades."""
    bot.key = LIVE_KEY.write(bot.file.parent / "live-key")
    rest = f"http://127.0.0.1:{bot.venue.port}"
    flags = ("--exchange-environment", "live", "--real-money", "--exchange-rest-url", rest)
    bot.arguments = (*bot.arguments, *flags)


async def live(case: Case, folder: Path, database: str) -> Outcome:
    """Carry out a case in an empty folder and on an empty database.

    Raises `HarnessFailed` where that was not possible.
    """
    account = live_account(folder) if case.entry is Entry.LIVE else ()
    try:
        async with venue(folder / "journal.jsonl", *FAST, *FEES, *account) as exchange:
            bot = Bot(folder / "xrpusdt.yaml", exchange, database, QUICK)
            if case.entry is Entry.LIVE:
                trade_live(bot)
            try:
                return await Life(case, folder, bot, exchange).run()
            finally:
                await bot.kill()
    except AssertionError as exc:
        if reason := harness_reason(exc):
            raise HarnessFailed(reason) from exc
        raise
