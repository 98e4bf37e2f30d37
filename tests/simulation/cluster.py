"""The resource that people write and the leader serves, and the API server in between."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from simulation.exchange import NAME
from simulation.stream import Stream
from simulation.timeline import Timeline
from symbol_trader.core.limits import AccountLimit, LimitInForce, LimitReport
from symbol_trader.core.settings import Settings, TradingStatus
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.errors import ApiServerUnavailable, Unavailable
from symbol_trader.report import Report

if TYPE_CHECKING:
    from simulation.process import Process

WATCH_MS = (1, 50)


class Cluster:
    """One TradingSymbol."""

    def __init__(self, timeline: Timeline, settings: Settings) -> None:
        self.settings = settings
        self.generation = 1
        self.away_until_ms = 0
        self._timeline = timeline
        self.limits: dict[str, AccountLimit] = {}
        """TradingLimits, by uid."""
        self._watchers: list[Callable[[], None]] = []

    @property
    def away(self) -> bool:
        """Return whether the API server cannot be reached now."""
        return self._timeline.now_ms < self.away_until_ms

    def write(self, settings: Settings) -> None:
        """Let somebody write the spec."""
        self.settings = settings
        self.generation += 1
        for tell in self._watchers:
            tell()

    def declare(self, limit: AccountLimit) -> None:
        """Let somebody write a limit."""
        self._set_limits(self.limits | {limit.uid: limit})

    def delete_limit(self, uid: str) -> None:
        """Let somebody delete a limit."""
        self._set_limits({name: one for name, one in self.limits.items() if name != uid})

    def _set_limits(self, limits: dict[str, AccountLimit]) -> None:
        self.limits = limits
        for tell in self._watchers:
            tell()

    def watch(self, tell: Callable[[], None]) -> None:
        """Call back now and after each write."""
        self._watchers.append(tell)
        tell()

    def unwatch(self, tell: Callable[[], None]) -> None:
        """Call back no more."""
        if tell in self._watchers:
            self._watchers.remove(tell)


class SimulatedResource:
    """The port `Resource` of one process."""

    def __init__(self, process: "Process", cluster: Cluster, timeline: Timeline) -> None:
        self._process = process
        self._cluster = cluster
        self._timeline = timeline
        self._chance = process.chance
        self._stream: Stream[Desired] = Stream(process.loop)
        self._limits: Stream[tuple[AccountLimit, ...]] = Stream(process.loop)
        self._last_limits: dict[str, AccountLimit] | None = None
        self._seen = 0
        """The generation that the watch has brought."""
        self._heard = 0
        """The generation that the process has read; one that is frozen reads nothing."""

    async def changes(self) -> AsyncIterator[Desired]:
        """Yield what is asked for, now and at each change."""
        self._cluster.watch(self._news)
        async for desired in self._stream:
            self._heard = desired.generation
            yield desired

    async def limits(self) -> AsyncIterator[tuple[AccountLimit, ...]]:
        """Yield the limits, now and at each change."""
        async for limits in self._limits:
            yield limits

    async def limit_exists(self, name: str, uid: str) -> bool:
        """Ask whether a limit is there."""
        await self._process.point("look for a limit")
        if self._cluster.away:
            raise ApiServerUnavailable("the API server is away")
        return uid in self._cluster.limits

    async def report_limit(self, report: LimitReport) -> None:
        """Take in what a leader says of a limit."""

    async def tell_deleted(self, limit: LimitInForce) -> None:
        """Take in that a limit was deleted."""

    async def report(self, report: Report) -> None:
        """Take in what the leader says of itself."""
        await self._process.point("report")
        if self._cluster.away:
            raise Unavailable("the API server is away")
        self._process.reported(report)

    async def switch_off(self) -> SwitchOffOutcome:
        """Switch off what is being shut down."""
        heard = self._heard
        await self._process.point("write off")
        if self._cluster.away:
            raise Unavailable("the API server is away")
        settings = self._cluster.settings
        if settings.status is not TradingStatus.SHUTDOWN or self._cluster.generation != heard:
            return SwitchOffOutcome.SUPERSEDED
        self._process.auditor.writes_off()
        self._cluster.write(replace(settings, status=TradingStatus.OFF))
        if self._chance.happens("lose_patch"):
            raise Unavailable("no answer from the API server")
        await self._process.point("write off, done")
        return SwitchOffOutcome.WRITTEN

    async def close(self) -> None:
        """Watch no more."""
        self._cluster.unwatch(self._news)

    def _news(self) -> None:
        """Bring the newest state a little later; while the API server is away, after that."""
        delay = self._chance.between(WATCH_MS)
        wait = max(self._cluster.away_until_ms - self._timeline.now_ms, 0)
        self._timeline.after(wait + delay, self._deliver)

    def _deliver(self) -> None:
        if self._cluster.away:
            self._news()
            return
        if self._last_limits != self._cluster.limits:
            self._last_limits = self._cluster.limits
            self._limits.push(tuple(self._cluster.limits.values()))
        if self._seen < self._cluster.generation:
            self._seen = seen = self._cluster.generation
            revision, follows = str(seen), str(seen - 1)
            settings = self._cluster.settings
            self._stream.push(Desired(NAME, settings, seen, revision=revision, follows=follows))
