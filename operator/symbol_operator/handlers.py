"""Where kopf's events enter: they name what to look at, and that is all.

Only `on.event` handlers are used. kopf keeps no state on objects for these: it adds no
annotation and no finalizer, and therefore leaves none behind. What kopf does not promise for
them, retries and one run at a time, is the work queue's business; what its watches may miss,
the resync's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import kopf
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration

from symbol_operator.managed_fields import disowned
from symbol_operator.observation import Document
from symbol_operator.reconcile import Key
from tradingsymbol_api.names import (
    ANNOTATION_ABANDON,
    GROUP,
    LABEL_RESOURCE,
    LEADER_SELECTOR,
    PLURAL,
    VERSION,
)

WATCH_SERVER_TIMEOUT_SECONDS: Final = 300
WATCH_CLIENT_TIMEOUT_SECONDS: Final = 310
"""A watch that the server does not end in time is ended here."""
REQUEST_TIMEOUT_SECONDS: Final = 30
CONNECT_TIMEOUT_SECONDS: Final = 5
IDLE_SECONDS: Final = 0.5
"""How long kopf keeps the last event of an object at hand. A list has thousands, all at once."""
FINALIZER: Final = f"{GROUP}/never-set"
"""kopf removes its finalizer wherever it finds it unneeded: this one it never finds."""


class _NoDiff(kopf.DiffBaseStorage):
    """Keeps nothing: kopf would copy each object of each event, to compare what nobody asks for."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None: ...
    def store(self, **_: Any) -> None: ...


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: handlers of events have no progress."""

    def fetch(self, **_: Any) -> None: ...
    def store(self, **_: Any) -> None: ...
    def purge(self, **_: Any) -> None: ...
    def touch(self, **_: Any) -> None: ...
    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def make_settings() -> kopf.OperatorSettings:
    """Configure kopf to watch, and to write nothing."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.persistence.finalizer = FINALIZER
    settings.persistence.diffbase_storage = _NoDiff()
    settings.persistence.progress_storage = _NoProgress()
    # Namespaces and resources are known; watching for more would need rights to list them.
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.networking.request_timeout = REQUEST_TIMEOUT_SECONDS
    settings.networking.connect_timeout = CONNECT_TIMEOUT_SECONDS
    settings.watching.server_timeout = WATCH_SERVER_TIMEOUT_SECONDS
    settings.watching.client_timeout = WATCH_CLIENT_TIMEOUT_SECONDS
    settings.watching.label_selectors["pods"] = LEADER_SELECTOR
    settings.queueing.idle_timeout = IDLE_SECONDS
    return settings


def make_registry(
    changed: Callable[[Key], None],
    moved: Callable[[Key], None],
    gone: Callable[[Document], Awaitable[None]],
    listed: Callable[[], None],
    *,
    kubeconfig: str | None,
) -> kopf.OperatorRegistry:
    """Register the handlers.

    `changed` is called with each symbol that needs a look at once, `moved` with one for which a
    look soon will do: its pod moves on and is still there. `gone` is called with a resource that
    went, `listed` for each object that was there when a watch began.
    """
    registry = kopf.OperatorRegistry()
    seen: dict[Key, tuple[Any, ...]] = {}

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        if kubeconfig is not None:
            return kopf.login_with_kubeconfig(**kwargs)
        found = kopf.login_with_service_account(**kwargs)
        return found and replace(found, server=_in_cluster_server())

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def resource_changed(event: Any, **_: Any) -> None:
        metadata = event["object"]["metadata"]
        key = Key(metadata["namespace"], metadata["name"])
        relevant = _relevant(event["object"])
        # Leaders report into the status often; what is asked for has not changed by that.
        if event["type"] != "DELETED" and seen.get(key) == relevant:
            return
        seen[key] = relevant
        if not event["type"]:
            listed()
            return
        changed(key)
        if event["type"] == "DELETED":
            del seen[key]
            await gone(event["object"])

    @kopf.on.event("v1", "pods", registry=registry)
    async def pod_changed(event: Any, **_: Any) -> None:
        if not event["type"]:
            listed()
            return
        metadata = event["object"]["metadata"]
        wake = changed if _ended(event) else moved
        wake(Key(metadata["namespace"], metadata["labels"][LABEL_RESOURCE]))

    return registry


def _ended(event: Any) -> bool:
    """Tell whether a pod is gone or has ended, which may call for another one."""
    phase = event["object"].get("status", {}).get("phase")
    return event["type"] == "DELETED" or phase in {"Failed", "Succeeded"}


def _relevant(resource: Any) -> tuple[Any, ...]:
    """Pick what changes with the uid, the spec, a deletion's course, or the status's owners."""
    metadata = resource["metadata"]
    return (
        metadata["uid"],
        metadata.get("generation"),
        metadata.get("deletionTimestamp"),
        metadata.get("annotations", {}).get(ANNOTATION_ABANDON),
        tuple(metadata.get("finalizers", ())),
        disowned(resource),
    )


def _in_cluster_server() -> str:
    """Return where the API server is, by address: after a power cut it is up before the DNS."""
    configuration = Configuration()
    config.load_incluster_config(  # type: ignore[no-untyped-call]
        client_configuration=configuration
    )
    server: str = configuration.host
    return server
