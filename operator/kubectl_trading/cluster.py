"""A cluster as the commands see it: its resources, and what else tells of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from kubectl_trading.connection import REQUEST_S, Connection, Where
from kubectl_trading.events import Event
from kubectl_trading.kinds import LIMITS, SYMBOLS
from kubectl_trading.resources import Resources
from kubectl_trading.serving import Claim, Leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.names import (
    CLAIM_LEASE,
    KIND,
    LABEL_RESOURCE,
    LEADER_CONTAINER,
    LEADER_SELECTOR,
    leader_pod_name,
)
from tradingsymbol_api.pod import Variable

CLUSTER_VARIABLE = Variable.CLUSTER.env
"""Tells a leader the id of its cluster, by which the record names owners."""


class Cluster:
    """One cluster: what is in one namespace, or in all."""

    def __init__(self, where: Where, request_s: float = REQUEST_S) -> None:
        """Connect as the kubeconfig says. Raises `ClusterError`."""
        self.where = where
        self._to = Connection(where, request_s)
        self.namespace = self._to.namespace
        self.symbols = Resources(self._to, SYMBOLS)
        self.limits = Resources(self._to, LIMITS)

    @property
    def now(self) -> datetime:
        """When resources were read last, by the API server's clock."""
        return self._to.now

    def require_namespace(self) -> None:
        """Raise `ClusterError` if there is no such namespace."""
        self._to.require_namespace()

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
        leader = (c for c in pod.spec.containers if c.name == LEADER_CONTAINER)
        told = (v for c in leader for v in c.env or () if v.name == CLUSTER_VARIABLE)
        return next((variable.value or "" for variable in told), "")
