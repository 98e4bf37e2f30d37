"""The probes and the metrics over HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from symbol_trader.runtime.health import Health
from tradingsymbol_api.listening import listen_everywhere
from tradingsymbol_api.pod import EVERYWHERE, HEALTHZ, METRICS, READYZ

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@asynccontextmanager
async def serving(
    host: str, port: int, health: Health, metrics: Callable[[], bytes]
) -> AsyncIterator[None]:
    """Serve /healthz, /readyz and /metrics; `::` is every address, those of IPv4, too.

    Raises `OSError` where the port is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _answer(health.alive, "alive", "the loop does not move")

    async def readyz(_: web.Request) -> web.Response:
        return _answer(not health.missing, "ready", f"missing: {', '.join(health.missing)}")

    async def metric(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": METRICS_TYPE})

    app = web.Application()
    app.add_routes([web.get(HEALTHZ, healthz), web.get(READYZ, readyz), web.get(METRICS, metric)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    if host == EVERYWHERE:
        await web.SockSite(runner, listen_everywhere(port)).start()
    else:
        await web.TCPSite(runner, host, port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def _answer(good: bool, yes: str, no: str) -> web.Response:
    return web.Response(text=f"{yes if good else no}\n", status=200 if good else 503)
