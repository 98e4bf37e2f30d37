"""The connection by which kopf watches: no answer of the API server ends a watch.

kopf retries what it takes for passing, as often as it is told to, and ends the whole operator
for anything else (read at 1.45.2): a 400, 404 or 410, a reply that is no JSON, an error inside
a stream. After a 401 it closes all connections, and ends where one is being read from. So it is
shown a lost connection instead, which it retries without end, each watch on its own. What each
watch is answered is reported to `Namespaces`.
"""

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, NoReturn

import aiohttp
import kopf
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration

BACKOFF_SECONDS: Final = (1.0, 1.0, 2.0, 3.0, 5.0, 8.0)
"""Waits after the first failures in a row of a request."""
BACKOFF_MAX_SECONDS: Final = 15.0
"""Wait after each further one."""
LOGIN_SECONDS: Final = 5.0
"""Time to the next look for credentials where there are none."""
STREAM_ERROR_SECONDS: Final = 5.0
"""Time from an error inside a stream to the list with which its watch starts again."""

BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
GONE: Final = 410
JSON: Final = "application/json"

ERROR_EVENT: Final = b'{"type":"ERROR"'
EXPIRED_EVENT: Final = b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n'
"""The one error of a stream after which kopf restarts it."""
WATCHED: Final = re.compile(r"/namespaces/(?P<namespace>[^/]+)/(?P<kind>[^/]+)$")

Told = Callable[[str, str], None]
"""Called with kind and namespace of a watch that stands."""
Failed = Callable[[str, str, str], None]
"""Called with kind and namespace of a watch that does not stand, and why."""


class EndlessBackoffs(Iterable[float]):
    """Waits between attempts, in seconds; there is always one more."""

    def __iter__(self) -> Iterator[float]:
        """Begin with the first."""
        return itertools.chain(BACKOFF_SECONDS, itertools.repeat(BACKOFF_MAX_SECONDS))


class Session:
    """kopf's session; its token is read again when it is refused."""

    def __init__(
        self,
        kubeconfig: str | None,
        stood: Told,
        fell: Failed,
        listed: Callable[[str], None],
        measure: aiohttp.ClientMiddlewareType,
    ) -> None:
        """Log in as `kubeconfig` says, or without one as this pod.

        `listed` is called with a namespace of which a list was answered, were it an empty one: a
        watch begins, and what went before it is not told. `measure` is shown each answer as it is.
        """
        self._kubeconfig = kubeconfig
        self._listed = listed
        self._stood = stood
        self._fell = fell
        self._measure = measure
        self._login: Callable[[], kopf.ConnectionInfo | None] = lambda: None
        self._headers: Mapping[str, str] = {}

    async def open(self, **kwargs: Any) -> kopf.AiohttpSession:
        """Open the session with the credentials as they are now.

        Raises:
            kopf.TemporaryError: there are none yet.

        """
        self._login = partial(self._credentials, **kwargs)
        found = self._login()
        if found is None:
            raise kopf.TemporaryError("no credentials of this pod are there", delay=LOGIN_SECONDS)
        self._headers = found.as_http_headers()
        return kopf.AiohttpSession(
            server=found.server,
            default_namespace=found.default_namespace,
            aiohttp_session=aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=found.as_ssl_context()),
                proxy=found.proxy_url,
                trust_env=found.trust_env,
                middlewares=(self._hear, self._measure),
            ),
        )

    def _credentials(self, **kwargs: Any) -> kopf.ConnectionInfo | None:
        if self._kubeconfig is not None:
            return kopf.login_with_kubeconfig(**kwargs)
        found = kopf.login_with_service_account(**kwargs)
        return found and replace(found, server=_in_cluster_server())

    def _log_in_again(self) -> None:
        """Read the token again; if that fails, the next refusal leads here."""
        with contextlib.suppress(OSError, ValueError, kopf.LoginError):
            if found := self._login():
                self._headers = found.as_http_headers()

    async def _hear(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Hear each answer before kopf does.

        Raises:
            aiohttp.ClientPayloadError: the pages of a list have expired: kopf lists again.
            aiohttp.ClientConnectionError: anything else is wrong: kopf asks again.

        """
        watched = WATCHED.search(request.url.path)
        watch = (watched["kind"], watched["namespace"]) if watched else None
        request.headers.update(self._headers)
        try:
            answer = await handler(request)
            problem = await _problem(answer)
        except (aiohttp.ClientError, OSError) as exc:
            answer, problem = None, f"the API server does not answer ({type(exc).__name__})"
        if answer is None or problem:
            self._failed(answer, watch, problem)
        elif watch and "watch" in request.url.query:
            self._stood(*watch)
            answer.content = _Events(answer.content)  # type: ignore[assignment]  # replaced for the test
        elif watch:
            self._listed(watch[1])
        return answer

    def _failed(
        self, answer: aiohttp.ClientResponse | None, watch: tuple[str, str] | None, why: str
    ) -> NoReturn:
        if watch:
            self._fell(*watch, why)
        status = answer.status if answer else 0
        if answer:
            answer.release()
        if status == UNAUTHORIZED:
            self._log_in_again()
        raise (
            aiohttp.ClientPayloadError(why)
            if status == GONE
            else aiohttp.ClientConnectionError(why)
        )


def _in_cluster_server() -> str:
    """Return where the API server is, by address: after a power cut it is up before the DNS."""
    configuration = Configuration()
    config.load_incluster_config(  # type: ignore[no-untyped-call]  # the client has no types
        client_configuration=configuration
    )
    server: str = configuration.host
    return server


async def _problem(answer: aiohttp.ClientResponse) -> str:
    """Return what is wrong with an answer, in the API server's words; empty if nothing is."""
    if answer.status < BAD_REQUEST:
        return "" if answer.content_type == JSON else f"an answer is {answer.content_type}"
    try:
        return str(json.loads(await answer.read())["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"HTTP status {answer.status}"


class _Events:
    """The stream of a watch, in whole lines; after any error of it kopf restarts it."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else: aiohttp closes it, and marks it as failed."""
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield the stream in chunks of whole lines; what is cut off at its end is dropped."""
        rest = b""
        async for chunk in self._content.iter_chunked(size):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            if ERROR_EVENT in lines and (before := _before_error(lines)) is not None:
                yield before
                await asyncio.sleep(STREAM_ERROR_SECONDS)
                yield EXPIRED_EVENT
                return
            if lines:
                yield lines + newline


def _before_error(lines: bytes) -> bytes | None:
    """Return the lines before an error; None if none begins a line and needs to be hidden."""
    at = 0 if lines.startswith(ERROR_EVENT) else lines.find(b"\n" + ERROR_EVENT) + 1
    if not lines.startswith(ERROR_EVENT, at) or _expired(lines[at:].partition(b"\n")[0]):
        return None
    return lines[:at]


def _expired(line: bytes) -> bool:
    """Return whether an error is the one that kopf knows."""
    try:
        return bool(json.loads(line)["object"]["code"] == GONE)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
