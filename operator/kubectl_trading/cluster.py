"""The door to the API server: symbols are listed, watched, and given a status."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from kubernetes import config, watch
from kubernetes.client.api.coordination_v1_api import CoordinationV1Api
from kubernetes.client.api.core_v1_api import CoreV1Api
from kubernetes.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from kubectl_trading.limits import Limit
from kubectl_trading.serving import Claim, Leader
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.names import (
    CLAIM_LEASE,
    GROUP,
    LABEL_RESOURCE,
    LEADER_SELECTOR,
    LIMIT_PLURAL,
    PLURAL,
    VERSION,
    leader_pod_name,
)
from tradingsymbol_api.reading import Document
from tradingsymbol_api.values import TradingStatus

FIELD_MANAGER = "kubectl-trading"
REQUEST_S = 30
NOT_FOUND, CONFLICT = 404, 409


class ClusterError(Exception):
    """The cluster cannot be reached or refuses; the text says what, and what to do."""


class Conflict(ClusterError):  # noqa: N818 - a state of the world
    """The resource was changed since it was read."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which cluster and namespace a person means; None: as their kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    all_namespaces: bool = False

    def options(self, namespace: str) -> list[str]:
        """Return kubectl's options for the same place."""
        given = {"--kubeconfig": self.kubeconfig, "--context": self.context}
        flags = [f"{flag}={value}" for flag, value in given.items() if value]
        return [*flags, f"--namespace={namespace}"]


class Cluster:
    """TradingSymbols of one cluster."""

    def __init__(self, where: Where) -> None:
        """Connect as the kubeconfig says. Raises `ClusterError`."""
        self._where = where
        try:
            client = config.new_client_from_config(where.kubeconfig, where.context)  # type: ignore[no-untyped-call]  # the client has no types
            self.namespace = where.namespace or self._namespace_of_context()
        except config.ConfigException as exc:
            raise ClusterError(f"no cluster to connect to: {exc}") from exc
        # Its repetitions would come with warnings; whoever waits asks again.
        client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        self._api = CustomObjectsApi(client)
        self._pods = CoreV1Api(client)
        self._leases = CoordinationV1Api(client)
        self.now = datetime.now(UTC)
        """When symbols were listed last, by the API server's clock."""

    def list(self, selector: str = "") -> list[Symbol]:
        """Read the symbols of the namespace, or of all. Raises `ClusterError`."""
        list_all, list_some = (
            self._api.list_cluster_custom_object_with_http_info,
            self._api.list_namespaced_custom_object_with_http_info,
        )
        method = list_all if self._where.all_namespaces else list_some
        found, _, headers = self._ask(method, *self._listing()[1:], label_selector=selector)
        if date := headers.get("Date"):
            self.now = parsedate_to_datetime(date)
        return [Symbol.of(item) for item in found["items"]]

    def leaders(self) -> Sequence[Leader]:
        """Read the leader pods that are not terminating. Raises `ClusterError`."""
        if self._where.all_namespaces:
            asked: tuple[Any, ...] = (self._pods.list_pod_for_all_namespaces,)
        else:
            asked = (self._pods.list_namespaced_pod, self.namespace)
        found = self._ask(*asked, label_selector=LEADER_SELECTOR)
        return [
            Leader(pod.metadata.namespace, pod.metadata.name, pod.metadata.labels[LABEL_RESOURCE])
            for pod in found.items
            if pod.metadata.deletion_timestamp is None
        ]

    def claims(self) -> Sequence[Claim]:
        """Read the operators' claims to the namespace, or to all. Raises `ClusterError`."""
        if self._where.all_namespaces:
            asked: tuple[Any, ...] = (self._leases.list_lease_for_all_namespaces,)
        else:
            asked = (self._leases.list_namespaced_lease, self.namespace)
        found = self._ask(*asked, field_selector=f"metadata.name={CLAIM_LEASE}")
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

    def get(self, name: str) -> Symbol:
        """Read one symbol. Raises `ClusterError`, naming those that there are."""
        for symbol in (listed := self.list()):
            if symbol.name == name:
                return symbol
        there = ", ".join(symbol.name for symbol in listed) or "none"
        raise ClusterError(
            f"no TradingSymbol is named {name} in namespace {self.namespace}; there are: {there}"
        )

    def write(self, symbol: Symbol, status: TradingStatus) -> None:
        """Ask for a status, unless the resource has changed. Raises `ClusterError`, `Conflict`."""
        body = {
            "metadata": {"resourceVersion": symbol.resource_version},
            "spec": {"status": status.value},
        }
        self._ask(
            self._api.patch_namespaced_custom_object,
            *(GROUP, VERSION, symbol.namespace, PLURAL, symbol.name, body),
            field_manager=FIELD_MANAGER,
            _content_type="application/merge-patch+json",
        )

    def limits(self) -> Sequence[Limit]:
        """Read the limits of the namespace, or of all. Raises `ClusterError`."""
        if self._where.all_namespaces:
            asked: tuple[Any, ...] = (self._api.list_cluster_custom_object, GROUP, VERSION)
        else:
            asked = (self._api.list_namespaced_custom_object, GROUP, VERSION, self.namespace)
        return [Limit.of(item) for item in self._ask(*asked, LIMIT_PLURAL)["items"]]

    def write_limit(self, limit: Limit, spec: Document, *, whatever_it_says: bool) -> None:
        """Write into a limit's spec, unless it has changed; if asked, `whatever_it_says` by now.

        Raises `ClusterError`, `Conflict`.
        """
        as_seen = {} if whatever_it_says else {"resourceVersion": limit.resource_version}
        self._ask(
            self._api.patch_namespaced_custom_object,
            *(GROUP, VERSION, limit.namespace, LIMIT_PLURAL, limit.name),
            {"metadata": as_seen, "spec": spec},
            field_manager=FIELD_MANAGER,
            _content_type="application/merge-patch+json",
        )

    def changes(self, seconds: int) -> Iterator[tuple[Symbol, bool]]:
        """Yield each symbol now and at each change, and whether it is gone; for so many seconds.

        Raises `ClusterError`.
        """
        listing, *where = self._listing()
        stream = watch.Watch().stream(  # type: ignore[no-untyped-call]  # the client has no types
            listing, *where, timeout_seconds=seconds, _request_timeout=seconds + REQUEST_S
        )
        try:
            for event in stream:
                yield Symbol.of(event["raw_object"]), event["type"] == "DELETED"
        except (ApiException, urllib3.exceptions.HTTPError) as exc:
            raise _explained(exc) from exc

    def audit(self, symbol: Symbol) -> int:
        """Run the auditor in the symbol's leader pod; its findings go to the terminal.

        Returns its exit code: 0 means that record and exchange agree. Raises `ClusterError`.
        """
        command = [
            *("kubectl", "exec", *self._where.options(symbol.namespace)),
            *(leader_pod_name(symbol.name), "--", "symbol-trader", "audit", symbol.symbol),
        ]
        try:
            return subprocess.run(command, check=False).returncode  # noqa: S603 - no shell
        except FileNotFoundError as exc:
            raise ClusterError("kubectl is not on PATH: the audit runs in the leader pod") from exc

    def _namespace_of_context(self) -> str:
        contexts, active = config.list_kube_config_contexts(self._where.kubeconfig)  # type: ignore[no-untyped-call]  # the client has no types
        named = (c for c in contexts if c["name"] == self._where.context)
        chosen = next(named, active) if self._where.context else active
        return str(chosen["context"].get("namespace", "default"))

    def _listing(self) -> tuple[Any, ...]:
        if self._where.all_namespaces:
            return self._api.list_cluster_custom_object, GROUP, VERSION, PLURAL
        namespaced = (GROUP, VERSION, self.namespace, PLURAL)
        return (self._api.list_namespaced_custom_object, *namespaced)

    def _ask(self, method: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, _request_timeout=REQUEST_S, **options)
        except (ApiException, urllib3.exceptions.HTTPError) as exc:
            raise _explained(exc) from exc


def _explained(exc: Exception) -> ClusterError:
    if not isinstance(exc, ApiException):
        return ClusterError(f"the API server cannot be reached: {exc}")
    if exc.status == CONFLICT:
        return Conflict("the resource is being changed by others: try again")
    if exc.status == NOT_FOUND:
        return ClusterError(
            "the API server knows no TradingSymbols: install the operator, or name another context"
        )
    return ClusterError(f"the API server refuses: {exc.status} {exc.reason}: {exc.body}")
