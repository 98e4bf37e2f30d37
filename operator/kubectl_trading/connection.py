"""The connection to the API server, as a person's kubeconfig and options say."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import urllib3
from kubernetes import config
from kubernetes.client.api.coordination_v1_api import CoordinationV1Api
from kubernetes.client.api.core_v1_api import CoreV1Api
from kubernetes.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from tradingsymbol_api.reading import text

REQUEST_S = 30


class ClusterError(Exception):
    """The cluster cannot be reached or refuses; the text says what, and what to do."""


class Conflict(ClusterError):  # noqa: N818 - a state of the world
    """The resource was changed since it was read."""


class NotFound(ClusterError):  # noqa: N818 - a state of the world
    """There is no object of that name."""


class UnknownPath(ClusterError):  # noqa: N818 - a state of the world
    """The API server does not know the kind of resource."""


class Refused(ClusterError):  # noqa: N818 - a state of the world
    """The person may not do that."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which cluster and namespace a person means, and as whom; None: as their kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    user: str | None = None
    """Whom to impersonate."""
    all_namespaces: bool = False

    def options(self, namespace: str) -> list[str]:
        """Return kubectl's options for the same place."""
        given = {"--kubeconfig": self.kubeconfig, "--context": self.context, "--as": self.user}
        flags = [f"{flag}={value}" for flag, value in given.items() if value]
        return [*flags, f"--namespace={namespace}"]


class Connection:
    """Requests to one API server, and their errors as sentences."""

    def __init__(self, where: Where, request_s: float = REQUEST_S) -> None:
        """Connect as the kubeconfig says; a request takes `request_s` at most.

        Raises `ClusterError`.
        """
        self.where = where
        self._request_s = request_s
        try:
            client = config.new_client_from_config(where.kubeconfig, where.context)  # type: ignore[no-untyped-call]  # the client has no types
            self.namespace = where.namespace or _namespace_of_context(where)
        except config.ConfigException as exc:
            raise ClusterError(f"no cluster to connect to: {exc}") from exc
        # Its repetitions would come with warnings; whoever waits asks again.
        client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        if where.user:
            client.set_default_header("Impersonate-User", where.user)
        self.resources = CustomObjectsApi(client)
        self.core = CoreV1Api(client)
        self.leases = CoordinationV1Api(client)
        self.now = datetime.now(UTC)
        """When the API server answered last, by its clock."""

    def ask(self, method: Any, *arguments: Any, **options: Any) -> Any:
        """Return what a method of the client returns. Raises `ClusterError`."""
        try:
            return method(*arguments, _request_timeout=self._request_s, **options)
        except (ApiException, urllib3.exceptions.HTTPError) as exc:
            raise explained(exc) from exc

    def ask_dated(self, method: Any, *arguments: Any, **options: Any) -> Any:
        """Return the data of a method `…_with_http_info`, and note when it was answered.

        Raises `ClusterError`.
        """
        found, _, headers = self.ask(method, *arguments, **options)
        if date := headers.get("Date"):
            self.now = parsedate_to_datetime(date)
        return found

    def require_namespace(self) -> None:
        """Raise `ClusterError` if there is no such namespace.

        Who may not read namespaces is not told.
        """
        if self.where.all_namespaces:
            return
        try:
            self.ask(self.core.read_namespace, self.namespace)
        except NotFound:
            raise ClusterError(f"there is no namespace {self.namespace}") from None
        except ClusterError:
            return


def explained(exc: Exception) -> ClusterError:
    """Return what the client raised as a sentence."""
    if not isinstance(exc, ApiException):
        return ClusterError(f"the API server cannot be reached: {exc}")
    said = _status(exc.body)
    match exc.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Refused(f"the API server refuses: {said or exc.reason}")
        case HTTPStatus.NOT_FOUND if said:
            return NotFound(said)
        case HTTPStatus.NOT_FOUND:
            return UnknownPath(f"the API server does not know what it is asked: {exc.body}")
        case HTTPStatus.CONFLICT:
            return Conflict("the resource is being changed by others: try again")
        case _:
            return ClusterError(f"the API server refuses: {exc.status} {exc.reason}: {exc.body}")


def _status(body: object) -> str:
    """Return the message of a Status object, which says that a path is known; else nothing."""
    try:
        said = json.loads(str(body))
    except ValueError:
        return ""
    return text(said, "message") if text(said, "kind") == "Status" else ""


def contexts(kubeconfig: str | None) -> list[str]:
    """Return the names of a kubeconfig's contexts. Raises `ClusterError`."""
    try:
        found, _ = config.list_kube_config_contexts(kubeconfig)  # type: ignore[no-untyped-call]  # the client has no types
    except config.ConfigException as exc:
        raise ClusterError(f"no kubeconfig to read: {exc}") from exc
    return [str(context["name"]) for context in found]


def _namespace_of_context(where: Where) -> str:
    found, active = config.list_kube_config_contexts(where.kubeconfig)  # type: ignore[no-untyped-call]  # the client has no types
    named = (context for context in found if context["name"] == where.context)
    chosen = next(named, active) if where.context else active
    return str(chosen["context"].get("namespace", "default"))
