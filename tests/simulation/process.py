"""One process of the leader: the production service on a loop and ports of its own.

It dies without a last word, or is frozen and thawed later, at any await on a port; `doom` decides.
"""

import asyncio
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from simulation.account_port import SimulatedLimits
from simulation.cluster import SimulatedResource
from simulation.database import SimulatedRecord
from simulation.exchange import NAME
from simulation.loop import VirtualLoop
from simulation.network import Session, SimulatedMarket
from symbol_trader.core.leader import Leader, new_trader_bits
from symbol_trader.core.orders import ClientOrderId, Side
from symbol_trader.core.timing import Timing
from symbol_trader.identity import Epoch, Identity, Owner
from symbol_trader.report import Report
from symbol_trader.runtime.endings import Ending
from symbol_trader.runtime.health import Health
from symbol_trader.runtime.parts import Adapters, Telemetry
from symbol_trader.runtime.retry_policy import RetryPolicy
from symbol_trader.runtime.service import Service
from symbol_trader.runtime.story import Story
from symbol_trader.runtime.term import Intervals

if TYPE_CHECKING:
    import structlog

    from simulation.auditor import Auditor
    from simulation.world import World

OWNER = Owner("cluster", "trading", "xrpusdt")
INTERVALS = Intervals(timer_s=1.0, reconcile_s=20.0)
SELDOM = replace(INTERVALS, report_s=5.0)
"""A report is a function of the leader's state. In most seeds it is looked at less often than in
production, where it would be a tenth of the run."""
TIMING = Timing()
NEVER = frozenset(
    {"RecordContradicts", "RecordRolledBack", "OwnedByAnother", "AccountChanged", "SchemaMismatch"}
)
"""What a leader must never wait for here: record and exchange are both right."""


@dataclass(slots=True)
class Doom:
    """What is to happen to a process at one of its next awaits on a port."""

    kind: str
    """crash, freeze or takeover."""
    wanted: str
    """What the await must be for, empty: anything."""
    leg: str
    """Which leg it must be about, empty: any or none."""
    countdown: int

    def strikes(self, where: str, leg: str) -> bool:
        """Return whether it happens at this await."""
        if (self.wanted and not where.startswith(self.wanted)) or (self.leg and self.leg != leg):
            return False
        self.countdown -= 1
        return self.countdown < 0


class Process:
    """A process from its start to its end. `pod` is the uid of the pod that it runs in."""

    def __init__(self, world: "World", pod: str) -> None:
        self.pod = pod
        self.chance = world.chance
        self.auditor: Auditor = world.auditor
        # Abstract for the type checker: what needs an operating system is not there.
        self.loop = VirtualLoop(world.timeline, world.failed)  # type: ignore[abstract]  # what no test calls is not there
        self.timeline = world.timeline
        self.alive = True
        self.epoch: int | None = None
        self.ending: Ending | None = None
        self.market = SimulatedMarket(self)
        self.session: Session | None = None
        self.last_report: Report | None = None
        self._world = world
        self._health = _WatchedHealth(self.loop.time)
        self._service = self._make()
        self._health.watch(self._handled)
        self._task = self.loop.create_task(self._service.run())
        self._task.add_done_callback(self._done)

    def _make(self) -> Service:
        record = SimulatedRecord(self, self._world.database)
        adapters = Adapters(
            resource=SimulatedResource(self, self._world.cluster, self.timeline),
            ownership=record,
            record=record,
            limits=SimulatedLimits(record, self._world.database),
            exchange=self._open_session,
            market=lambda _: self.market,
        )
        logger = cast("structlog.typing.FilteringBoundLogger", _Teller(self._said))
        return Service(
            Identity(OWNER, "paper", self.pod),
            adapters,
            Telemetry(Story(logger, symbol=NAME), self._health, lambda _: self._world.metrics),
            timing=TIMING,
            intervals=INTERVALS if self._world.plan.reports_often else SELDOM,
            retry_policy=RetryPolicy(),
            new_bits=new_trader_bits(self.chance.random.getrandbits),
            jitter=self.chance.random.random,
        )

    @property
    def now_ms(self) -> int:
        """Return the time of the world."""
        return self.timeline.now_ms

    @property
    def leads(self) -> bool:
        """Return whether it lives and nobody has taken over from it."""
        return self.alive and self.epoch == self._world.database.epoch

    @property
    def frozen(self) -> bool:
        """Return whether it stands still."""
        return self.alive and self.loop.paused

    @property
    def leader(self) -> Leader | None:
        """Return the leader of the term that is in session, if one is."""
        return self._service.session.leader

    def side_of(self, name: ClientOrderId) -> Side:
        """Return the side of an order on record."""
        return self._world.database.rows.orders[name].intent.side

    # Its life.

    def start(self) -> None:
        """Run until the first wait."""
        self.loop.run_ready()

    def stop(self) -> None:
        """Ask it to end, as SIGTERM does."""
        self.loop.feed(self._service.stop)

    def die(self) -> None:
        """End here and now: nothing of it has an effect any more."""
        self.alive = False
        self.loop.paused = True
        if self.session is not None:
            self.session.end("the process died")

    def bury(self) -> None:
        """Let what is left of a dead process go."""
        self.loop.end_tasks()

    def freeze(self) -> None:
        """Stand still."""
        self.loop.paused = True

    def thaw(self) -> None:
        """Go on, with everything that came meanwhile."""
        if self.frozen:
            self.loop.paused = False
            self.loop.run_ready()

    async def point(self, where: str, leg: str = "") -> None:
        """Pass an await on a port, unless something happens to the process there."""
        if not self.alive:
            raise asyncio.CancelledError
        doom = self._world.doom
        if doom is None or not doom.strikes(where, leg):
            return
        if doom.kind == "takeover" and not self._world.can_take_over(self):
            return
        self._world.strike(self, doom, where, leg)
        if not self.alive:
            raise asyncio.CancelledError
        await _pause()

    # What is seen of it.

    def claimed(self, epoch: Epoch) -> None:
        """Take in that it holds an epoch now."""
        self.epoch = epoch.number
        self._world.claimed(self)

    def reported(self, report: Report) -> None:
        """Take in what it says of itself."""
        self.last_report = report

    def _open_session(self, _: str) -> Session:
        self.session = Session(self, self._world.network)
        return self.session

    def _handled(self) -> None:
        """Have a decision checked that was carried out: no event is half handled now.

        Not while something is held that is not on record yet, not when the term is about to stop,
        for then it asks for nothing any more, and not after another process has taken over.
        """
        term = self._service.session.term
        if self.leads and term is not None and not term._held and term._stopping is None:
            self.auditor.carried_out(term.leader)

    def _said(self, event: str, facts: dict[str, Any]) -> None:
        if self.alive:
            assert not self.leads or facts.get("reason") not in NEVER, facts
            self._world.said(self, event, facts)

    def _done(self, task: asyncio.Task[Ending]) -> None:
        if not self.alive:
            if not task.cancelled():
                task.exception()
            return
        self.alive = False
        if error := task.exception():
            self._world.failed(error)
            return
        self.ending = task.result()
        self.timeline.after(0, lambda: self._world.ended(self))


class _WatchedHealth(Health):
    """Tells the auditor of each event that was handled: then the next one is taken up."""

    _handled: Callable[[], None] | None = None

    def watch(self, handled: Callable[[], None]) -> None:
        self._handled = handled

    def heartbeat(self) -> None:
        super().heartbeat()
        if self._handled is not None:
            self._handled()


class _Teller:
    """Stands for the logger."""

    def __init__(self, said: Callable[[str, dict[str, Any]], None]) -> None:
        self._said = said

    def bind(self, **_: Any) -> "_Teller":
        return self

    def info(self, event: str, **facts: Any) -> None:
        self._said(event, facts)

    warning = info


@types.coroutine
def _pause() -> Generator[None, None, None]:
    """Wait until the loop runs on."""
    yield
