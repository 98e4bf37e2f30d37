"""Requests to the API server in numbers, under the names that client-go gives after its prefix.

They are counted where both clients send: below kopf's watches, whose answers `session.py` replaces,
and below those of the project's own client.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from prometheus_client import CollectorRegistry, Counter, Histogram

PREFIX: Final = "symbol_operator_rest_client"
NO_ANSWER: Final = "<error>"
"""client-go's own code of a request that was not answered."""
METHODS: Final = ("GET", "POST", "PATCH", "DELETE")
CODES: Final = (
    *("200", "201", "400", "401", "403", "404", "409", "410", "422", "429"),
    *("500", "503", "504", NO_ANSWER),
)
"""What is counted from 0 on: of a counter that begins at 1, `rate()` does not see the first."""


class RequestMetrics:
    """Counts requests; `measure` is a middleware of aiohttp's clients."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self._requests = Counter(
            f"{PREFIX}_requests",
            "Requests to the API server by method and code.",
            ["method", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            f"{PREFIX}_request_duration_seconds",
            "Time from a request to the first line of its answer, without watches.",
            ["verb"],
            registry=registry,
        )
        for method in METHODS:
            self._seconds.labels(method)
            for code in CODES:
                self._requests.labels(method, code)

    async def measure(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request, and count it, whatever becomes of it."""
        code = NO_ANSWER
        try:
            with self._timed(request):
                answer = await handler(request)
            code = str(answer.status)
            return answer
        finally:
            self._requests.labels(request.method, code).inc()

    def _timed(self, request: ClientRequest) -> AbstractContextManager[object]:
        watches = "watch" in request.url.query
        return nullcontext() if watches else self._seconds.labels(request.method).time()
