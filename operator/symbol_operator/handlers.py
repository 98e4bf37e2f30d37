"""Where kopf's events enter: they name what to look at, and that is all.

Only `on.event` handlers are used. kopf keeps no state on objects for these: it adds no
annotation and no finalizer, and therefore leaves none behind. What kopf does not promise for
them, retries and one run at a time, is the work queue's business; what its watches may miss,
the resync's.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import kopf

from symbol_operator.reconcile import Key
from symbol_operator.session import EndlessBackoffs
from tradingsymbol_api.names import (
    ANNOTATION_ABANDON,
    GROUP,
    LABEL_RESOURCE,
    LEADER_SELECTOR,
    PLURAL,
    VERSION,
)
from tradingsymbol_api.reading import Document, mapping, number, text, texts

WATCH_SERVER_TIMEOUT_SECONDS: Final = 300
WATCH_CLIENT_TIMEOUT_SECONDS: Final = 310
"""A watch that the server does not end in time is ended here."""
REQUEST_TIMEOUT_SECONDS: Final = 30
CONNECT_TIMEOUT_SECONDS: Final = 5
EXIT_SECONDS: Final = 20
"""Time for kopf to end. Where one of its watches failed, it may never end by itself: it cancels
the tasks that the others wait for."""
LOGIN_RETRY_SECONDS: Final = 5
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
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.process.ultimate_exiting_timeout = EXIT_SECONDS
    settings.watching.server_timeout = WATCH_SERVER_TIMEOUT_SECONDS
    settings.watching.client_timeout = WATCH_CLIENT_TIMEOUT_SECONDS
    settings.watching.label_selectors["pods"] = LEADER_SELECTOR
    settings.queueing.idle_timeout = IDLE_SECONDS
    return settings


def make_registry(
    changed: Callable[[Key], None],
    moved: Callable[[Key], None],
    gone: Callable[[Document], None],
    listed: Callable[[str], None],
    login: Callable[..., Awaitable[kopf.AiohttpSession]],
) -> kopf.OperatorRegistry:
    """Register the handlers.

    `changed` is called with each symbol that needs a look at once, `moved` with one for which a
    look soon will do: its pod moves on and is still there. `gone` is called with a resource that
    went, `listed` with the namespace of each object that was there when a watch began. `login`
    opens a session with the API server.
    """
    registry = kopf.OperatorRegistry()
    seen: dict[Key, tuple[object, ...]] = {}

    kopf.on.login(registry=registry, backoff=LOGIN_RETRY_SECONDS)(login)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def resource_changed(event: Any, **_: Any) -> None:
        metadata = mapping(event, "object", "metadata")
        key = Key(text(metadata, "namespace"), text(metadata, "name"))
        relevant = _relevant(metadata)
        # Leaders report into the status often; what is asked for has not changed by that.
        if event["type"] != "DELETED" and seen.get(key) == relevant:
            return
        seen[key] = relevant
        if not event["type"]:
            listed(key.namespace)
            return
        changed(key)
        if event["type"] == "DELETED":
            del seen[key]
            gone(event["object"])

    @kopf.on.event("v1", "pods", registry=registry)
    async def pod_changed(event: Any, **_: Any) -> None:
        metadata = mapping(event, "object", "metadata")
        if not event["type"]:
            listed(text(metadata, "namespace"))
            return
        wake = changed if _ended(event) else moved
        # The label may be empty: such a pod leads for nobody.
        if name := text(metadata, "labels", LABEL_RESOURCE):
            wake(Key(text(metadata, "namespace"), name))

    return registry


def _ended(event: Any) -> bool:
    """Tell whether a pod is gone or has ended, which may call for another one."""
    phase = text(event, "object", "status", "phase")
    return event["type"] == "DELETED" or phase in {"Failed", "Succeeded"}


def _relevant(metadata: Document) -> tuple[object, ...]:
    """Pick what changes with the uid, the spec, or the course of a deletion."""
    return (
        text(metadata, "uid"),
        number(metadata, "generation"),
        metadata.get("deletionTimestamp"),
        text(metadata, "annotations", ANNOTATION_ABANDON),
        texts(metadata, "finalizers"),
    )
