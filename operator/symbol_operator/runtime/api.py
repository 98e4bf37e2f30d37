"""One request to the API server, and what is made of its answer.

Requests carry plain JSON: the models of the `kubernetes` package cost more memory and time than all
the rest of the operator. Its client brings the connection, the credentials and their renewal.
Reads ask for the latest state, never for a cached one.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple

import aiohttp
from kubernetes.aio.client.api_client import ApiClient

from symbol_operator.runtime.errors import (
    ClusterError,
    ConflictError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from symbol_operator.runtime.memory import version_of
from tradingsymbol_api.names import OPERATOR_FIELD_MANAGER
from tradingsymbol_api.reading import Document, holds, objects, shown, text

REQUEST_TIMEOUT_SECONDS: Final = 10
PAGE_SIZE: Final = 500

MERGE: Final = "application/merge-patch+json"
JSON: Final = "application/json"

BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
CONFLICT: Final = 409
REFUSALS: Final = frozenset({400, 403, 422})


class Page(NamedTuple):
    """A part of a list."""

    items: list[Document]
    version: int
    """That of the whole list: all pages show the cluster as it was then."""


class Api:
    """The API server, over one pool of connections."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def send(
        self,
        method: str,
        path: str,
        *query: tuple[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
    ) -> dict[str, Any]:
        """Send one request, once, and read its answer.

        Raises:
            ClusterError: in the kind that the status code calls for.

        """
        try:
            status, answer = await _exchange(
                self._client, method, path, query, body=body, content_type=content_type
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise UnavailableError(f"{method} {path}: {exc!r}") from exc
        if status >= BAD_REQUEST:
            raise _error(status, answer)
        return _document(answer)

    async def find(self, path: str) -> Document | None:
        """Read an object, None if there is none."""
        try:
            return await self.send("GET", path)
        except NotFoundError:
            return None

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Document:
        """Merge into an object, as the operator; returns it."""
        manager = ("fieldManager", OPERATOR_FIELD_MANAGER)
        return await self.send("PATCH", path, manager, body=patch, content_type=MERGE)

    async def list(self, path: str, *query: tuple[str, str]) -> AsyncIterator[Page]:
        """List objects page by page, for thousands are large."""
        more = ""
        while True:
            part = [("limit", str(PAGE_SIZE)), *([("continue", more)] if more else [])]
            answer = await self.send("GET", path, *query, *part)
            if not holds(answer, "items"):
                raise UnavailableError(f"GET {path}: the answer is no list")
            more = text(answer, "metadata", "continue")
            page = Page(objects(answer, "items"), version_of(answer))
            answer.clear()
            yield page
            # Not held until the next page is there: one alone may be tens of megabytes.
            page.items.clear()
            if not more:
                return


async def _exchange(
    client: ApiClient,
    method: str,
    path: str,
    query: tuple[tuple[str, str], ...],
    *,
    body: Mapping[str, Any] | None,
    content_type: str,
) -> tuple[int, bytes]:
    request = await client.param_serialize(
        method,
        path,
        query_params=list(query),
        header_params={"Accept": JSON, "Content-Type": content_type},
        body=body,
        auth_settings=["BearerToken"],
    )
    response = await client.call_api(*request, _request_timeout=REQUEST_TIMEOUT_SECONDS)
    return response.status, await response.read()  # type: ignore[no-untyped-call]  # the client has no types


def _document(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError) as exc:
        raise UnavailableError(f"the answer cannot be read: {exc}") from exc
    if not isinstance(document, dict):
        raise UnavailableError(f"the answer is no object but {shown(document)}")
    return document


def _error(status: int, body: bytes) -> ClusterError:
    """Make the error for an answer, from the API server's own words."""
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = f"HTTP status {status}"
    if status == NOT_FOUND:
        return NotFoundError(message)
    if status == CONFLICT:
        return ConflictError(message)
    return RefusedError(message) if status in REFUSALS else UnavailableError(message)
