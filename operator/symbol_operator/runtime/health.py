"""The operator's HTTP endpoints: /healthz, /readyz, /metrics."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from symbol_operator.runtime.metrics import Metrics
from tradingsymbol_api.listening import listen_everywhere

logger = logging.getLogger(__name__)

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
        self._namespaces, watched = frozenset(namespaces), tuple(kinds)
        self.not_electable = ""
        """Why this operator could never act, empty if it can."""
        self._fallen: dict[tuple[str, str], str] = {
            (namespace, kind): NOT_BEGUN for namespace in self._namespaces for kind in watched
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
    def ready(self) -> bool:
        """Whether all were begun, and those of at least one namespace stand.

        One namespace that cannot be served must not keep a new version from serving the others.
        """
        begun = NOT_BEGUN not in self._fallen.values() and not self.not_electable
        return begun and not self._namespaces <= {namespace for namespace, _ in self._fallen}

    @property
    def fallen(self) -> tuple[Fallen, ...]:
        """Those that do not stand, by namespace and kind."""
        down = sorted(self._fallen.items())
        return tuple(Fallen(kind, namespace, why) for (namespace, kind), why in down)


class Progress:
    """How long ago everything was compared last."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._succeeded = monotonic()

    def succeeded(self) -> None:
        """Note that a resync succeeded."""
        self._succeeded = self._monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last success, or since the start."""
        return self._monotonic() - self._succeeded


@asynccontextmanager
async def serve(
    port: int, watches: Watches, progress: Progress, metrics: Metrics
) -> AsyncIterator[None]:
    """Serve the endpoints on every address; port 0 takes any free one."""
    runner = web.AppRunner(_application(watches, progress, metrics), access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listen_everywhere(port)).start()
        logger.info("Serving /healthz, /readyz and /metrics on %s", runner.addresses)
        yield
    finally:
        await runner.cleanup()


def _application(watches: Watches, progress: Progress, metrics: Metrics) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        # An answer is all that is asked for: the event loop runs. Whatever the API server does, a
        # restart of this process would not mend it.
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        lines = [f"not watched: {watch}\n" for watch in watches.fallen]
        if watches.not_electable:
            lines.append(f"cannot be elected: {watches.not_electable}\n")
        if watches.ready:
            return web.Response(text="".join(["ok\n", *lines]))
        return web.Response(status=503, text="".join(lines))

    async def expose(_: web.Request) -> web.Response:
        metrics.resync_age.set(progress.age)
        return web.Response(body=metrics.render(), content_type="text/plain", charset="utf-8")

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", expose)
    return application
