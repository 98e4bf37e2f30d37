"""The cluster, as far as the operator touches it: what it reads and writes, and where that is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from aiohttp import ClientMiddlewareType
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from symbol_operator.decide.events import EventNote
from symbol_operator.runtime.api import Api, Page
from symbol_operator.runtime.errors import (
    ClusterError,
    ConflictError,
    NotFoundError,
    UnavailableError,
)
from tradingsymbol_api.events import event_document
from tradingsymbol_api.names import (
    GROUP,
    LEADER_SELECTOR,
    OPERATOR_FIELD_MANAGER,
    PLURAL,
    VERSION,
    fence_selector,
    leader_pod_name,
)
from tradingsymbol_api.reading import Document, holds, text

CONNECTIONS_MAX: Final = 32


@asynccontextmanager
async def connect(
    kubeconfig: str | None, *middlewares: ClientMiddlewareType
) -> AsyncIterator["Cluster"]:
    """Connect to the cluster of `kubeconfig`, or without one to that of this pod.

    Each request goes through `middlewares`.

    Raises:
        ClusterError: neither leads to a cluster.

    """
    configuration = Configuration()
    configuration.connection_pool_maxsize = CONNECTIONS_MAX
    # A proxy is named in the kubeconfig, as for kopf's watches. Looking for one in the environment
    # and in ~/.netrc, in a thread and at each request, takes longer than all the rest of it.
    configuration.client_session_kwargs = {"trust_env": False, "middlewares": middlewares}
    try:
        if kubeconfig:
            await config.load_kube_config(  # type: ignore[no-untyped-call]  # the client has no types
                config_file=kubeconfig, client_configuration=configuration, persist_config=False
            )
        else:
            config.load_incluster_config(  # type: ignore[no-untyped-call]  # the client has no types
                client_configuration=configuration
            )
    except config.ConfigException as exc:
        raise ClusterError(f"no cluster to connect to: {exc}") from exc
    async with ApiClient(configuration) as client, ApiClient(configuration) as apart:
        client.user_agent = apart.user_agent = OPERATOR_FIELD_MANAGER
        yield Cluster(Api(client), Api(apart))


class Cluster:
    """Reads and writes of the operator; every write says what it expects to find."""

    def __init__(self, api: Api, leases: Api) -> None:
        """Use `leases` for Leases alone, which must not queue behind the rest."""
        self._api = api
        self._leases = leases

    async def identity(self) -> str:
        """Read the uid of the namespace kube-system, which identifies the cluster."""
        namespace = await self._api.send("GET", "/api/v1/namespaces/kube-system")
        if uid := text(namespace, "metadata", "uid"):
            return uid
        raise UnavailableError("namespace kube-system has no uid")

    async def find_api(self) -> None:
        """Look whether the API server knows TradingSymbols; that takes no rights.

        Raises:
            NotFoundError: not yet, or no longer.

        """
        groups = (await self._api.send("GET", "/apis"))["groups"]
        if not any(group["name"] == GROUP for group in groups):
            raise NotFoundError(f"the API server knows no {GROUP}: apply crds/")

    async def namespace_ending(self, name: str) -> bool:
        """Return whether a namespace is being deleted."""
        namespace = await self._api.find(f"/api/v1/namespaces/{_part(name)}")
        return namespace is None or holds(namespace, "metadata", "deletionTimestamp")

    async def resource(self, namespace: str, name: str) -> Document | None:
        """Read a TradingSymbol, None if there is none."""
        return await self._api.find(_resources(namespace, name))

    async def pod(self, namespace: str, resource: str) -> Document | None:
        """Read the pod that has the leader's name, None if there is none."""
        return await self._api.find(_pods(namespace, leader_pod_name(resource)))

    async def node(self, name: str) -> Document | None:
        """Read a node, None if there is none."""
        return await self._api.find(f"/api/v1/nodes/{_part(name)}")

    def resources(self, namespace: str) -> AsyncIterator[Page]:
        """List the TradingSymbols of a namespace."""
        return self._api.list(_resources(namespace))

    def leader_pods(self, namespace: str) -> AsyncIterator[Page]:
        """List the leader pods of a namespace, and fences among them.

        Read page by page, for thousands are large.
        """
        return self._api.list(_pods(namespace), ("labelSelector", LEADER_SELECTOR))

    async def fences(self, namespace: str, resource: str) -> list[Document]:
        """List the fences of a TradingSymbol's lost leaders."""
        selector = ("labelSelector", fence_selector(resource))
        pages = self._api.list(_pods(namespace), selector)
        return [item async for page in pages for item in page.items]

    async def lease(self, namespace: str, name: str) -> Document | None:
        """Read a Lease, None if there is none."""
        return await self._leases.find(_leases(namespace, name))

    async def create_lease(self, namespace: str, name: str, spec: Document) -> Document:
        """Create a Lease; returns it.

        Raises:
            ConflictError: there is one.

        """
        body = {"metadata": {"name": name}, "spec": spec}
        return await self._leases.send("POST", _leases(namespace), body=body)

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
        return await self._leases.merge(path, body)

    async def create_pod(self, pod: Mapping[str, Any]) -> Document:
        """Create a pod; returns it.

        Raises:
            ConflictError: a pod of that name exists.
            RefusedError: the API server does not take it: a quota, an admission rule, or a field
                that it does not know.

        """
        # A field that it does not know would be dropped without a word: the configuration has some.
        strict = ("fieldValidation", "Strict")
        return await self._api.send("POST", _pods(pod["metadata"]["namespace"]), strict, body=pod)

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
        return await self._api.send("DELETE", path, body=options)

    async def write_status(self, patch: Mapping[str, Any]) -> Document:
        """Merge into the status of the resource that `patch` names; returns the resource.

        Raises:
            ConflictError: it has changed since, or the name has passed to another one.
            NotFoundError: it is gone.

        """
        metadata = patch["metadata"]
        path = _resources(metadata["namespace"], metadata["name"]) + "/status"
        return await self._api.merge(path, patch)

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
        return await self._api.merge(
            _resources(metadata["namespace"], metadata["name"]), {"metadata": {**kept, **fields}}
        )

    async def tell(
        self, resource: Document, event: EventNote, now: datetime, instance: str
    ) -> None:
        """Post an Event about a resource; one that was posted already is left alone."""
        namespace = _part(text(resource, "metadata", "namespace"))
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        try:
            await self._api.send("POST", path, body=_event(resource, event, now, instance))
        except ConflictError:
            return


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


def _event(resource: Document, event: EventNote, now: datetime, instance: str) -> dict[str, Any]:
    return event_document(
        resource,
        event.name(resource),
        reason=str(event.reason),
        note=event.note,
        warning=event.warning,
        action="Reconcile",
        now=now,
        manager=OPERATOR_FIELD_MANAGER,
        instance=instance,
    )
