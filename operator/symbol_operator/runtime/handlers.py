"""Where kopf's events enter: into the memory, and they name what to look at.

kopf (read at 1.45.2) calls a handler with each event in full, in the order of the watch for each
object; it drops none. The objects of a list, with which a watch begins, are events without a type,
and what was deleted before it is no event at all. So after each list (`session.py` hears it) all
is compared, and its objects wake nobody.

Only `on.event` handlers are used. kopf keeps no state on objects for these: it adds no
annotation and no finalizer, and therefore leaves none behind. What kopf does not promise for
them, retries and one run at a time, is the work queue's business; what its watches may miss,
the resync's.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import kopf

from symbol_operator.observe.containers import (
    FENCE_CONTAINER,
    container_status,
    is_done,
)
from symbol_operator.observe.labels import resource_of
from symbol_operator.observe.managed_fields import disowned
from symbol_operator.observe.pod import is_over
from symbol_operator.runtime.api import PAGE_SIZE
from symbol_operator.runtime.memory import Key, Memory
from symbol_operator.runtime.session import EndlessBackoffs
from tradingsymbol_api.names import (
    ANNOTATION_ABANDON,
    GROUP,
    LEADER_CONTAINER,
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
    settings.watching.chunk_size = PAGE_SIZE
    settings.watching.label_selectors["pods"] = LEADER_SELECTOR
    settings.queueing.idle_timeout = IDLE_SECONDS
    return settings


class Listener:
    """Puts what the watches show into the memory, and then wakes those whom it concerns."""

    def __init__(
        self,
        memory: Memory,
        *,
        changed: Callable[[Key], None],
        pod_changed: Callable[[Key], None],
        gone: Callable[[Document], None],
    ) -> None:
        """Take whom to wake.

        `changed` is called with each symbol that needs a look at once, `pod_changed` with one
        for which a look soon will do: its pod has changed and has not ended. `gone` is called with
        a resource that was deleted.
        """
        self._memory = memory
        self._changed = changed
        self._pod_changed = pod_changed
        self._gone = gone

    def resource(self, kind: str | None, resource: Document) -> None:
        """Take an event about a TradingSymbol."""
        key = Key(text(resource, "metadata", "namespace"), text(resource, "metadata", "name"))
        if kind == "DELETED":
            self._memory.resources.end(resource)
            self._changed(key)
            self._gone(resource)
            return
        # Leaders report into the status often; what is asked for has not changed by that.
        is_new = self._memory.resources.put(resource)
        if kind and is_new:
            self._changed(key)

    def pod(self, kind: str | None, pod: Document) -> None:
        """Take an event about a pod with a leader's labels."""
        objects, name = self._memory.kind_of(pod), resource_of(pod)
        # The label of a fence may be empty.
        if objects is None or not name:
            return
        key = Key(text(pod, "metadata", "namespace"), name)
        if kind == "DELETED":
            objects.end(pod)
            self._changed(key)
        elif objects.put(pod) and kind:
            wake = self._changed if _ended(pod) else self._pod_changed
            wake(key)


def make_registry(
    listener: Listener, login: Callable[..., Awaitable[kopf.AiohttpSession]]
) -> kopf.OperatorRegistry:
    """Register the handlers, which pass on to `listener` what they are shown.

    `login` opens a session with the API server.
    """
    registry = kopf.OperatorRegistry()

    kopf.on.login(registry=registry, backoff=LOGIN_RETRY_SECONDS)(login)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def resource_changed(event: Any, **_: Any) -> None:
        listener.resource(event["type"], event["object"])

    @kopf.on.event("v1", "pods", registry=registry)
    async def pod_changed(event: Any, **_: Any) -> None:
        listener.pod(event["type"], event["object"])

    return registry


def _ended(pod: Document) -> bool:
    """Return whether a pod's work has ended, which may call for another one."""
    ours = (container_status(pod, name) for name in (LEADER_CONTAINER, FENCE_CONTAINER))
    return is_over(pod) or any(map(is_done, ours))


def relevant(resource: Document) -> tuple[object, ...]:
    """Pick what changes with the uid, the spec, a deletion's course, or the status's owners."""
    metadata = mapping(resource, "metadata")
    return (
        text(metadata, "uid"),
        number(metadata, "generation"),
        metadata.get("deletionTimestamp"),
        text(metadata, "annotations", ANNOTATION_ABANDON),
        tuple(texts(metadata, "finalizers")),
        disowned(resource),
    )
