"""The operator's HTTP endpoints: /healthz, /readyz, /metrics."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from symbol_operator.metrics import Metrics

logger = logging.getLogger(__name__)

MISSED_RESYNCS: Final = 3
"""So many resyncs may fail, or be late, before the operator calls itself unwell."""


NOT_BEGUN: Final = "it has not begun yet"


@dataclass(frozen=True, slots=True)
class Fallen:
    """A watch that does not stand."""

    kind: str
    """Plural of the kind that is watched, such as `pods`."""
    namespace: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.namespace}: {self.why}"


class Watches:
    """Which watches stand: one for each kind in each namespace. No I/O, no clock.

    None stands before it is said to.
    """

    def __init__(self, kinds: Iterable[str], namespaces: Iterable[str]) -> None:
        served, watched = tuple(namespaces), tuple(kinds)
        self._fallen: dict[tuple[str, str], str] = {
            (namespace, kind): NOT_BEGUN for namespace in served for kind in watched
        }

    def stood(self, kind: str, namespace: str) -> bool:
        """Note that this watch stands; returns whether that is new."""
        return self._fallen.pop((namespace, kind), None) is not None

    def fell(self, kind: str, namespace: str, why: str) -> bool:
        """Note that this watch does not stand, and `why`; returns whether that is new."""
        changed = self._fallen.get((namespace, kind)) != why
        self._fallen[namespace, kind] = why
        return changed

    @property
    def fallen(self) -> tuple[Fallen, ...]:
        """Those that do not stand, by namespace and kind."""
        down = sorted(self._fallen.items())
        return tuple(Fallen(kind, namespace, why) for (namespace, kind), why in down)


class Progress:
    """How long ago the resync loop last moved, and last succeeded.

    Moving is what liveness means: a restart helps if the loop hangs, not if the API server is
    away. Success is what readiness means.
    """

    def __init__(self, monotonic: Callable[[], float], resync_seconds: float) -> None:
        self._monotonic = monotonic
        self._limit = MISSED_RESYNCS * resync_seconds
        self._moved = monotonic()
        self._succeeded = monotonic()

    def moved(self) -> None:
        """Note that a resync ended, in whatever way."""
        self._moved = self._monotonic()

    def succeeded(self) -> None:
        """Note that a resync succeeded."""
        self._moved = self._succeeded = self._monotonic()

    @property
    def alive(self) -> bool:
        """Whether the loop goes round."""
        return self._monotonic() - self._moved <= self._limit

    @property
    def age(self) -> float:
        """Seconds since the last success."""
        return self._monotonic() - self._succeeded

    @property
    def ready(self) -> bool:
        """Whether the loop achieves something."""
        return self.age <= self._limit


@asynccontextmanager
async def serve(port: int, progress: Progress, metrics: Metrics) -> AsyncIterator[None]:
    """Serve the endpoints on all interfaces; port 0 takes any free one."""
    runner = web.AppRunner(_application(progress, metrics), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=port)
        await site.start()
        logger.info("Serving /healthz, /readyz and /metrics on %s", runner.addresses)
        yield
    finally:
        await runner.cleanup()


def _application(progress: Progress, metrics: Metrics) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return _verdict(progress.alive, "the resync loop does not go round")

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(progress.ready, f"no resync succeeded for {progress.age:.0f} s")

    async def expose(_: web.Request) -> web.Response:
        metrics.resync_age.set(progress.age)
        return web.Response(body=metrics.render(), content_type="text/plain", charset="utf-8")

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", expose)
    return application


def _verdict(good: bool, problem: str) -> web.Response:
    return web.Response(text="ok\n") if good else web.Response(status=503, text=f"{problem}\n")
