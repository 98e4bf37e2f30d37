"""TradingSymbols of a cluster: they are read, watched, and given a status."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import urllib3
from kubernetes import watch
from kubernetes.client.exceptions import ApiException

from kubectl_trading.connection import (
    REQUEST_S,
    ClusterError,
    Connection,
    NotFound,
    Where,
    explained,
)
from kubectl_trading.events import Event
from kubectl_trading.limits import Limit
from kubectl_trading.serving import Claim, Leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.names import (
    CLAIM_LEASE,
    GROUP,
    KIND,
    LABEL_RESOURCE,
    LEADER_SELECTOR,
    LIMIT_PLURAL,
    PLURAL,
    VERSION,
    leader_pod_name,
)
from tradingsymbol_api.pod import Variable
from tradingsymbol_api.reading import Document
from tradingsymbol_api.values import TradingStatus

FIELD_MANAGER = "kubectl-trading"
CLUSTER_VARIABLE = Variable.CLUSTER.env
"""Tells a leader the id of its cluster, by which the record names owners."""


class Cluster:
    """TradingSymbols of one cluster, those of one namespace or of all."""

    def __init__(self, where: Where, request_s: float = REQUEST_S) -> None:
        """Connect as the kubeconfig says. Raises `ClusterError`."""
        self.where = where
        self._to = Connection(where, request_s)
        self.namespace = self._to.namespace

    @property
    def now(self) -> datetime:
        """When symbols were read last, by the API server's clock."""
        return self._to.now

    def list(self, selector: str = "", name: str = "") -> list[Symbol]:
        """Read the symbols of the namespace, or of all; with a name, those so named.

        Raises `ClusterError`, also where there is no such namespace.
        """
        api = self._to.symbols
        if self.where.all_namespaces:
            asked: tuple[Any, ...] = (api.list_cluster_custom_object_with_http_info,)
            asked += (GROUP, VERSION, PLURAL)
        else:
            asked = (api.list_namespaced_custom_object_with_http_info,)
            asked += (GROUP, VERSION, self.namespace, PLURAL)
        found = self._to.ask_dated(*asked, **_selected(selector, name))
        if not found["items"]:
            self.require_namespace()
        return [Symbol.of(item) for item in found["items"]]

    def get(self, name: str, namespace: str = "") -> Symbol:
        """Read one symbol, of the namespace that is meant or of another one.

        Raises `NotFound`, `ClusterError`.
        """
        path = (GROUP, VERSION, namespace or self.namespace, PLURAL, name)
        method = self._to.symbols.get_namespaced_custom_object_with_http_info
        return Symbol.of(self._to.ask_dated(method, *path))

    def named(self, name: str) -> Sequence[Symbol]:
        """Read the symbol of a name, or all of that name where all namespaces are meant.

        One name takes the right to get it, and no right to list. Raises `ClusterError`, naming
        the symbols that there are.
        """
        if self.where.all_namespaces:
            if found := self.list(name=name):
                return found
            raise NotFound(f"no TradingSymbol is named {name} in any namespace")
        try:
            return [self.get(name)]
        except NotFound:
            self.require_namespace()
            raise NotFound(
                f"no TradingSymbol is named {name} in namespace {self.namespace}{self._there()}"
            ) from None

    def require_namespace(self) -> None:
        """Raise `ClusterError` if there is no such namespace: an empty list would not tell.

        Who may not read namespaces is not told.
        """
        if self.where.all_namespaces:
            return
        try:
            self._to.ask(self._to.core.read_namespace, self.namespace)
        except NotFound:
            raise ClusterError(f"there is no namespace {self.namespace}") from None
        except ClusterError:
            return

    def namespaces(self) -> Sequence[str]:
        """Return the names of all namespaces. Raises `ClusterError`."""
        found = self._to.ask(self._to.core.list_namespace)
        return [namespace.metadata.name for namespace in found.items]

    def leaders(self) -> Sequence[Leader]:
        """Read the leader pods that are not terminating. Raises `ClusterError`."""
        core = self._to.core
        if self.where.all_namespaces:
            asked: tuple[Any, ...] = (core.list_pod_for_all_namespaces,)
        else:
            asked = (core.list_namespaced_pod, self.namespace)
        found = self._to.ask(*asked, label_selector=LEADER_SELECTOR)
        return [
            Leader(pod.metadata.namespace, pod.metadata.name, pod.metadata.labels[LABEL_RESOURCE])
            for pod in found.items
            if pod.metadata.deletion_timestamp is None
        ]

    def claims(self) -> Sequence[Claim]:
        """Read the operators' claims to the namespace, or to all. Raises `ClusterError`."""
        leases = self._to.leases
        if self.where.all_namespaces:
            asked: tuple[Any, ...] = (leases.list_lease_for_all_namespaces,)
        else:
            asked = (leases.list_namespaced_lease, self.namespace)
        found = self._to.ask(*asked, field_selector=f"metadata.name={CLAIM_LEASE}")
        return [
            Claim(
                lease.metadata.namespace,
                lease.spec.holder_identity,
                lease.spec.renew_time,
                timedelta(seconds=lease.spec.lease_duration_seconds),
            )
            for lease in found.items
            if lease.spec
            and lease.spec.holder_identity
            and lease.spec.renew_time
            and lease.spec.lease_duration_seconds
        ]

    def events(self, symbol: Symbol) -> Sequence[Event]:
        """Read what Events tell of a symbol and of its leader pod, the oldest first.

        Raises `ClusterError`.
        """
        objects = {KIND: symbol.name, "Pod": leader_pod_name(symbol.name)}
        found = [
            Event.of(event)
            for kind, name in objects.items()
            for event in self._to.ask(
                self._to.core.list_namespaced_event,
                symbol.namespace,
                field_selector=f"involvedObject.kind={kind},involvedObject.name={name}",
            ).items
        ]
        return sorted(found, key=lambda event: event.at)

    def leader_cluster(self, symbol: Symbol) -> str:
        """Return which cluster a symbol's leader says that it is of; empty if it says nothing.

        Raises `NotFound`, `ClusterError`.
        """
        pod = self._to.ask(
            self._to.core.read_namespaced_pod, leader_pod_name(symbol.name), symbol.namespace
        )
        told = (v for c in pod.spec.containers for v in c.env or () if v.name == CLUSTER_VARIABLE)
        return next((variable.value or "" for variable in told), "")

    def write(self, symbol: Symbol, status: TradingStatus) -> None:
        """Ask for a status, unless the resource has changed. Raises `ClusterError`, `Conflict`."""
        body = {
            "metadata": {"resourceVersion": symbol.resource_version},
            "spec": {"status": status.value},
        }
        self._to.ask(
            self._to.symbols.patch_namespaced_custom_object,
            *(GROUP, VERSION, symbol.namespace, PLURAL, symbol.name, body),
            field_manager=FIELD_MANAGER,
            _content_type="application/merge-patch+json",
        )

    def limits(self) -> Sequence[Limit]:
        """Read the limits of the namespace, or of all. Raises `ClusterError`."""
        if self.where.all_namespaces:
            asked: tuple[Any, ...] = (self._to.symbols.list_cluster_custom_object, GROUP, VERSION)
        else:
            asked = (self._to.symbols.list_namespaced_custom_object, GROUP, VERSION, self.namespace)
        return [Limit.of(item) for item in self._to.ask(*asked, LIMIT_PLURAL)["items"]]

    def write_limit(self, limit: Limit, spec: Document, *, whatever_it_says: bool) -> None:
        """Write into a limit's spec, unless it has changed; if asked, `whatever_it_says` by now.

        Raises `ClusterError`, `Conflict`.
        """
        as_seen = {} if whatever_it_says else {"resourceVersion": limit.resource_version}
        self._to.ask(
            self._to.symbols.patch_namespaced_custom_object,
            *(GROUP, VERSION, limit.namespace, LIMIT_PLURAL, limit.name),
            {"metadata": as_seen, "spec": spec},
            field_manager=FIELD_MANAGER,
            _content_type="application/merge-patch+json",
        )

    def changes(self, seconds: int, name: str = "") -> Iterator[tuple[Symbol, bool]]:
        """Yield each symbol now and at each change, and whether it is gone; for so many seconds.

        With a name, those so named. Raises `ClusterError`.
        """
        api = self._to.symbols
        if self.where.all_namespaces:
            watched: tuple[Any, ...] = (api.list_cluster_custom_object, GROUP, VERSION, PLURAL)
        else:
            watched = (api.list_namespaced_custom_object, GROUP, VERSION, self.namespace, PLURAL)
        stream = watch.Watch().stream(  # type: ignore[no-untyped-call]  # the client has no types
            *watched,
            timeout_seconds=seconds,
            _request_timeout=seconds + REQUEST_S,
            **_selected(name=name),
        )
        try:
            for event in stream:
                yield Symbol.of(event["raw_object"]), event["type"] == "DELETED"
        except (ApiException, urllib3.exceptions.HTTPError) as exc:
            raise explained(exc) from exc

    def _there(self) -> str:
        """Return which symbols there are, for who may list them."""
        with suppress(ClusterError):
            there = ", ".join(symbol.name for symbol in self.list()) or "none"
            return f"; there are: {there}"
        return ""


def _selected(selector: str = "", name: str = "") -> dict[str, str]:
    """Return the client's options; by a field selector, RBAC limits list and watch to a name."""
    given = {"label_selector": selector, "field_selector": name and f"metadata.name={name}"}
    return {option: value for option, value in given.items() if value}
