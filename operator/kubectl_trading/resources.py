"""Resources of one kind: they are read, by name or together, watched, and written to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Generic

import urllib3
from kubernetes import watch
from kubernetes.client.exceptions import ApiException

from kubectl_trading.connection import (
    REQUEST_S,
    ClusterError,
    Connection,
    NotFound,
    UnknownPath,
    explained,
)
from kubectl_trading.kinds import Found, Kind
from tradingsymbol_api.names import GROUP, VERSION

FIELD_MANAGER = "kubectl-trading"


class Resources(Generic[Found]):
    """Those of one namespace or of all. Methods raise `ClusterError`."""

    def __init__(self, to: Connection, kind: Kind[Found]) -> None:
        """Read and write over a connection."""
        self.kind = kind
        self._to = to

    def list(self, selector: str = "", name: str = "") -> list[Found]:
        """Read those of the namespace, or of all; with a name, those so named.

        It fails where there is no such namespace: an empty list would not tell.
        """
        method, *place = self._listed("_with_http_info")
        with self._explained():
            found = self._to.ask_dated(method, *place, **_selected(selector, name))
        if not found["items"]:
            self._to.require_namespace()
        return [self.kind.read(item) for item in found["items"]]

    def get(self, name: str, namespace: str = "") -> Found:
        """Read one, of the namespace that is meant or of another one. Raises `NotFound`."""
        method = self._to.resources.get_namespaced_custom_object_with_http_info
        place = (GROUP, VERSION, namespace or self._to.namespace, self.kind.plural)
        with self._explained():
            return self.kind.read(self._to.ask_dated(method, *place, name))

    def named(self, name: str) -> Sequence[Found]:
        """Read the one of a name, or all of that name where all namespaces are meant.

        One name takes the right to get it, and no right to list. The error names those that there
        are.
        """
        if self._to.where.all_namespaces:
            if found := self.list(name=name):
                return found
            raise NotFound(f"no {self.kind.name} is named {name} in any namespace")
        try:
            return [self.get(name)]
        except NotFound:
            self._to.require_namespace()
            where = f"in namespace {self._to.namespace}{self._there()}"
            raise NotFound(f"no {self.kind.name} is named {name} {where}") from None

    def write(
        self, found: Found, spec: Mapping[str, Any], *, whatever_it_says: bool = False
    ) -> None:
        """Write into its spec, unless it has changed; if told so, `whatever_it_says` by now.

        Raises `Conflict`.
        """
        seen = {} if whatever_it_says else {"resourceVersion": found.resource_version}
        with self._explained():
            self._to.ask(
                self._to.resources.patch_namespaced_custom_object,
                *(GROUP, VERSION, found.namespace, self.kind.plural, found.name),
                {"metadata": seen, "spec": spec},
                field_manager=FIELD_MANAGER,
                _content_type="application/merge-patch+json",
            )

    def changes(self, seconds: int, name: str = "") -> Iterator[tuple[Found, bool]]:
        """Yield each one now and at each change, and whether it is gone; for so many seconds.

        With a name, those so named.
        """
        method, *place = self._listed()
        stream = watch.Watch().stream(  # type: ignore[no-untyped-call]  # the client has no types
            method,
            *place,
            timeout_seconds=seconds,
            _request_timeout=seconds + REQUEST_S,
            **_selected(name=name),
        )
        try:
            for event in stream:
                yield self.kind.read(event["raw_object"]), event["type"] == "DELETED"
        except (ApiException, urllib3.exceptions.HTTPError) as exc:
            raise explained(exc) from exc

    def _listed(self, variant: str = "") -> tuple[Any, ...]:
        """Return the client's method that lists them, and its arguments."""
        if self._to.where.all_namespaces:
            method = getattr(self._to.resources, f"list_cluster_custom_object{variant}")
            return method, GROUP, VERSION, self.kind.plural
        method = getattr(self._to.resources, f"list_namespaced_custom_object{variant}")
        return method, GROUP, VERSION, self._to.namespace, self.kind.plural

    def _there(self) -> str:
        """Return which there are, for who may list them."""
        with suppress(ClusterError):
            there = ", ".join(found.name for found in self.list()) or "none"
            return f"; there are: {there}"
        return ""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnknownPath as exc:
            raise ClusterError(
                f"the API server knows no {self.kind.name}s: install the operator of this "
                "version, or name another context"
            ) from exc


def _selected(selector: str = "", name: str = "") -> dict[str, str]:
    """Return the client's options; by a field selector, RBAC limits list and watch to a name."""
    given = {"label_selector": selector, "field_selector": name and f"metadata.name={name}"}
    return {option: value for option, value in given.items() if value}
