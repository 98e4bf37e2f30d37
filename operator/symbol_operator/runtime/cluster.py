"""The cluster, as far as the operator touches it. The one user of the `kubernetes` package.

Requests carry plain JSON: the package's models cost more memory and time than all the rest of
the operator. Its client brings the connection, the credentials and their renewal. Reads ask
for the latest state, never for a cached one.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from symbol_operator.decide.news import News
from symbol_operator.runtime.memory import version_of
from tradingsymbol_api.names import (
    API_VERSION,
    GROUP,
    KIND,
    LEADER_SELECTOR,
    OPERATOR_MANAGER,
    PLURAL,
    VERSION,
    fence_selector,
    leader_pod_name,
)
from tradingsymbol_api.reading import Document, holds, mapping, objects, shown, text

REQUEST_TIMEOUT_SECONDS: Final = 10
PAGE_SIZE: Final = 500
CONNECTIONS_MAX: Final = 32
NOTE_LENGTH_MAX: Final = 1024
"""Longest note of an Event that the API server takes."""

MERGE: Final = "application/merge-patch+json"
JSON: Final = "application/json"

BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
CONFLICT: Final = 409
REFUSALS: Final = frozenset({400, 403, 422})


class ClusterError(Exception):
    """A request to the API server failed."""


class UnavailableError(ClusterError):
    """The API server cannot be reached, or is too busy; later it may be different."""


class NotFoundError(ClusterError):
    """The object does not exist."""


class ConflictError(ClusterError):
    """The object exists already, or is no longer the one that was read."""


class RefusedError(ClusterError):
    """The API server understood the request and will not carry it out."""


class Page(NamedTuple):
    """A part of a list."""

    items: list[Document]
    version: int
    """That of the whole list: all pages show the cluster as it was then."""


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


@asynccontextmanager
async def connect(kubeconfig: str | None) -> AsyncIterator["Cluster"]:
    """Connect to the cluster of `kubeconfig`, or without one to that of this pod.

    Raises:
        ClusterError: neither leads to a cluster.

    """
    configuration = Configuration()
    configuration.connection_pool_maxsize = CONNECTIONS_MAX
    # A proxy is named in the kubeconfig, as for kopf's watches. Looking for one in the environment
    # and in ~/.netrc, in a thread and at each request, takes longer than all the rest of it.
    configuration.client_session_kwargs = {"trust_env": False}
    try:
        if kubeconfig:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig, client_configuration=configuration, persist_config=False
            )
        else:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
    except config.ConfigException as exc:
        raise ClusterError(f"no cluster to connect to: {exc}") from exc
    async with ApiClient(configuration) as client, ApiClient(configuration) as apart:
        client.user_agent = apart.user_agent = OPERATOR_MANAGER
        yield Cluster(client, apart)


class Cluster:
    """Reads and writes of the operator; every write says what it expects to find."""

    def __init__(self, client: ApiClient, apart: ApiClient) -> None:
        """Use `apart` for what must not queue behind the rest: Leases."""
        self._client = client
        self._apart = apart

    async def identity(self) -> str:
        """Read the uid of the namespace kube-system, which identifies the cluster."""
        namespace = await self._request("GET", "/api/v1/namespaces/kube-system")
        if uid := text(namespace, "metadata", "uid"):
            return uid
        raise UnavailableError("namespace kube-system has no uid")

    async def find_api(self) -> None:
        """Look whether the API server knows TradingSymbols; that takes no rights.

        Raises:
            NotFoundError: not yet, or no longer.

        """
        groups = (await self._request("GET", "/apis"))["groups"]
        if not any(group["name"] == GROUP for group in groups):
            raise NotFoundError(f"the API server knows no {GROUP}: apply crds/")

    async def namespace_ending(self, name: str) -> bool:
        """Tell whether a namespace is being deleted."""
        namespace = await self._find(f"/api/v1/namespaces/{_part(name)}")
        return namespace is None or holds(namespace, "metadata", "deletionTimestamp")

    async def resource(self, namespace: str, name: str) -> Document | None:
        """Read a TradingSymbol, None if there is none."""
        return await self._find(_resources(namespace, name))

    async def pod(self, namespace: str, resource: str) -> Document | None:
        """Read the pod that has the leader's name, None if there is none."""
        return await self._find(_pods(namespace, leader_pod_name(resource)))

    async def node(self, name: str) -> Document | None:
        """Read a node, None if there is none."""
        return await self._find(f"/api/v1/nodes/{_part(name)}")

    def resources(self, namespace: str) -> AsyncIterator[Page]:
        """List the TradingSymbols of a namespace."""
        return self._list(_resources(namespace))

    def leader_pods(self, namespace: str) -> AsyncIterator[Page]:
        """List the leader pods of a namespace, and fences among them.

        Read page by page, for thousands are large.
        """
        return self._list(_pods(namespace), ("labelSelector", LEADER_SELECTOR))

    async def fences(self, namespace: str, resource: str) -> list[Document]:
        """List the fences of a TradingSymbol's lost leaders."""
        selector = ("labelSelector", fence_selector(resource))
        pages = self._list(_pods(namespace), selector)
        return [item async for page in pages for item in page.items]

    async def lease(self, namespace: str, name: str) -> Document | None:
        """Read a Lease, None if there is none."""
        try:
            return await self._request("GET", _leases(namespace, name), client=self._apart)
        except NotFoundError:
            return None

    async def create_lease(self, namespace: str, name: str, spec: Document) -> Document:
        """Create a Lease; returns it.

        Raises:
            ConflictError: there is one.

        """
        body = {"metadata": {"name": name}, "spec": spec}
        return await self._request("POST", _leases(namespace), body=body, client=self._apart)

    async def write_lease(self, lease: Document, spec: Document) -> Document:
        """Merge into the spec of a Lease as it was read; returns it.

        Raises:
            ConflictError: it has changed since.
            NotFoundError: it is gone.

        """
        metadata = lease["metadata"]
        path = _leases(metadata["namespace"], metadata["name"])
        kept = {"resourceVersion": metadata["resourceVersion"]}
        body = {"metadata": kept, "spec": spec}
        return await self._merge(path, body, client=self._apart)

    async def create_pod(self, pod: Mapping[str, Any]) -> Document:
        """Create a pod; returns it.

        Raises:
            ConflictError: a pod of that name exists.
            RefusedError: the API server does not take it: a quota, an admission rule.

        """
        return await self._request("POST", _pods(pod["metadata"]["namespace"]), body=pod)

    async def delete_pod(self, namespace: str, resource: str, uid: str, *, force: bool) -> Document:
        """Delete the leader pod with this uid; `force` does not wait for its node. Returns it.

        Raises:
            ConflictError: another pod has its name by now.
            NotFoundError: it is gone.

        """
        return await self._delete(_pods(namespace, leader_pod_name(resource)), uid, force=force)

    async def delete_fence(self, namespace: str, name: str, uid: str) -> Document:
        """Delete the fence with this uid at once: a second one of it does no harm. Returns it.

        Raises:
            NotFoundError: it is gone.

        """
        return await self._delete(_pods(namespace, name), uid, force=True)

    async def _delete(self, path: str, uid: str, *, force: bool) -> Document:
        options: dict[str, Any] = {"preconditions": {"uid": uid}}
        if force:
            options["gracePeriodSeconds"] = 0
        return await self._request("DELETE", path, body=options)

    async def write_status(self, patch: Mapping[str, Any]) -> Document:
        """Merge into the status of the resource that `patch` names; returns the resource.

        Raises:
            ConflictError: it has changed since, or the name has passed to another one.
            NotFoundError: it is gone.

        """
        metadata = patch["metadata"]
        path = _resources(metadata["namespace"], metadata["name"]) + "/status"
        return await self._merge(path, patch)

    async def set_finalizers(self, resource: Document, finalizers: Sequence[str]) -> Document:
        """Replace the finalizers of a resource as it was read; returns it.

        Raises:
            ConflictError: it has changed since.
            NotFoundError: it is gone.

        """
        return await self._set_metadata(resource, finalizers=list(finalizers))

    async def set_managed_fields(
        self, resource: Document, entries: Sequence[Mapping[str, Any]]
    ) -> Document:
        """Replace what is known of who owns which field of a resource as it was read; returns it.

        Raises:
            ConflictError: it has changed since.
            NotFoundError: it is gone.

        """
        return await self._set_metadata(resource, managedFields=list(entries))

    async def _set_metadata(self, resource: Document, **fields: object) -> Document:
        metadata = resource["metadata"]
        kept = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        return await self._merge(
            _resources(metadata["namespace"], metadata["name"]), {"metadata": {**kept, **fields}}
        )

    async def tell(self, resource: Document, news: News, now: datetime, instance: str) -> None:
        """Post an Event about a resource; one that was posted already is left alone."""
        namespace = _part(text(resource, "metadata", "namespace"))
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        try:
            await self._request("POST", path, body=_event(resource, news, now, instance))
        except ConflictError:
            return

    async def _find(self, path: str) -> Document | None:
        try:
            return await self._request("GET", path)
        except NotFoundError:
            return None

    async def _merge(
        self, path: str, patch: Mapping[str, Any], client: ApiClient | None = None
    ) -> Document:
        manager = ("fieldManager", OPERATOR_MANAGER)
        return await self._request(
            "PATCH", path, manager, body=patch, content_type=MERGE, client=client
        )

    async def _list(self, path: str, *query: tuple[str, str]) -> AsyncIterator[Page]:
        more = ""
        while True:
            part = [("limit", str(PAGE_SIZE)), *([("continue", more)] if more else [])]
            answer = await self._request("GET", path, *query, *part)
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

    async def _request(
        self,
        method: str,
        path: str,
        *query: tuple[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        client: ApiClient | None = None,
    ) -> dict[str, Any]:
        """Send one request, once, and read its answer.

        Raises:
            ClusterError: in the kind that the status code calls for.

        """
        try:
            status, answer = await _exchange(
                client or self._client, method, path, query, body=body, content_type=content_type
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise UnavailableError(f"{method} {path}: {exc!r}") from exc
        if status >= BAD_REQUEST:
            raise _error(status, answer)
        return _document(answer)


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
    return response.status, await response.read()  # type: ignore[no-untyped-call]


def _document(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError) as exc:
        raise UnavailableError(f"the answer cannot be read: {exc}") from exc
    if not isinstance(document, dict):
        raise UnavailableError(f"the answer is no object but {shown(document)}")
    return document


def _part(name: str) -> str:
    return quote(name, safe="")


def _resources(namespace: str, name: str = "") -> str:
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{_part(namespace)}/{PLURAL}"
    return f"{path}/{_part(name)}" if name else path


def _leases(namespace: str, name: str = "") -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{_part(namespace)}/leases"
    return f"{path}/{_part(name)}" if name else path


def _pods(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{_part(namespace)}/pods"
    return f"{path}/{_part(name)}" if name else path


def _event(resource: Document, news: News, now: datetime, instance: str) -> dict[str, Any]:
    metadata = mapping(resource, "metadata")
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": news.name(resource), "namespace": text(metadata, "namespace")},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if news.warning else "Normal",
        "reason": str(news.reason),
        "action": "Reconcile",
        "note": news.note[:NOTE_LENGTH_MAX],
        "regarding": {
            "apiVersion": text(resource, "apiVersion") or API_VERSION,
            "kind": text(resource, "kind") or KIND,
            "namespace": text(metadata, "namespace"),
            "name": text(metadata, "name"),
            "uid": text(metadata, "uid"),
        },
        "reportingController": f"{GROUP}/{OPERATOR_MANAGER}",
        "reportingInstance": instance,
    }
