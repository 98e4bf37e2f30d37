"""Where kopf's events enter: what they wake, what they do not, and what kopf may write."""

import itertools
from typing import Any

import kopf
import pytest

from symbol_operator.observe.managed_fields import put_right
from symbol_operator.runtime.handlers import Listener, make_registry, make_settings, relevant
from symbol_operator.runtime.memory import Key, Memory
from unit.operator.objects import container, pod, resource, terminated

KEY = Key("trading", "xrpusdt")


@pytest.fixture
def woken() -> list[Key]:
    """Collect what was woken."""
    return []


@pytest.fixture
def soon() -> list[Key]:
    """Collect what is woken a little later."""
    return []


@pytest.fixture
def mourned() -> list[Any]:
    """Collect what went."""
    return []


def listener(woken: list[Key], soon: list[Key], mourned: list[Any]) -> Listener:
    return Listener(
        Memory(relevant), changed=woken.append, pod_changed=soon.append, gone=mourned.append
    )


async def login(**_: object) -> kopf.AiohttpSession:
    """Log in nowhere."""
    raise NotImplementedError


@pytest.fixture
def handlers(woken: list[Key], soon: list[Key], mourned: list[Any]) -> dict[str, Any]:
    """Return the registered handlers by the plural of their resource."""
    registry = make_registry(listener(woken, soon, mourned), login)
    found = registry._watching.get_all_handlers()
    selectors = [handler.selector for handler in found if handler.selector]
    plurals = [str(selector.plural or selector.any_name) for selector in selectors]
    return dict(zip(plurals, found, strict=True))


VERSIONS = itertools.count(1)


async def send(handlers: dict[str, Any], plural: str, kind: str | None, document: Any) -> None:
    """Have a watch show an object in a version that is newer than all before."""
    metadata = {**document["metadata"], "resourceVersion": str(next(VERSIONS))}
    shown = {**document, "metadata": metadata}
    await handlers[plural].fn(event={"type": kind, "object": shown})


def test_only_low_level_handlers_are_registered(handlers: dict[str, Any]) -> None:
    """The others would keep their state on the objects: annotations and finalizers."""
    registry = make_registry(listener([], [], []), login)

    assert set(handlers) == {"tradingsymbols", "pods"}
    assert list(registry._changing.get_all_handlers()) == []
    assert list(registry._spawning.get_all_handlers()) == []
    assert list(registry._indexing.get_all_handlers()) == []


async def test_what_a_watch_finds_when_it_begins_wakes_nobody(
    handlers: dict[str, Any], woken: list[Key], soon: list[Key]
) -> None:
    """It is compared all at once."""
    await send(handlers, "tradingsymbols", None, resource())
    await send(handlers, "pods", None, pod())
    assert (woken, soon) == ([], [])

    await send(handlers, "tradingsymbols", "MODIFIED", resource())
    assert woken == [], "it is as it was when the watch began"
    await send(handlers, "tradingsymbols", "ADDED", resource(uid="r2"))
    assert woken == [KEY]


async def test_an_event_that_comes_after_a_newer_version_was_seen_wakes_nobody(
    handlers: dict[str, Any], woken: list[Key], soon: list[Key]
) -> None:
    """The answer to a write of the operator's own tells earlier than the watch."""
    for plural, made in (("tradingsymbols", resource(uid="r2")), ("pods", pod(uid="p2"))):
        await send(handlers, plural, "ADDED", made)
        older = {**made, "metadata": {**made["metadata"], "uid": "old", "resourceVersion": "0"}}
        await handlers[plural].fn(event={"type": "MODIFIED", "object": older})

    assert (woken, soon) == ([KEY], [KEY])


async def test_a_pod_that_only_has_a_leaders_labels_is_none(
    handlers: dict[str, Any], woken: list[Key], soon: list[Key]
) -> None:
    copied = pod()
    copied["metadata"]["name"] = "copy"
    for kind in (None, "ADDED", "DELETED"):
        await send(handlers, "pods", kind, copied)

    assert (woken, soon) == ([], [])


async def test_a_report_of_the_leader_wakes_nobody(
    handlers: dict[str, Any], woken: list[Key]
) -> None:
    await send(handlers, "tradingsymbols", "ADDED", resource())
    reported = resource() | {"status": {"traders": 3}}
    reported["metadata"]["managedFields"] = put_right(reported)
    await send(handlers, "tradingsymbols", "MODIFIED", reported)

    assert woken == [KEY]


async def test_a_report_in_somebody_elses_name_wakes(
    handlers: dict[str, Any], woken: list[Key]
) -> None:
    await send(handlers, "tradingsymbols", "ADDED", resource())
    await send(handlers, "tradingsymbols", "MODIFIED", resource() | {"status": {"traders": 3}})

    assert woken == [KEY, KEY]


@pytest.mark.parametrize(
    "change", [{"generation": 2}, {"uid": "r2"}, {"deletionTimestamp": "2026-01-01T12:00:00Z"}]
)
async def test_a_change_of_what_is_asked_for_wakes(
    handlers: dict[str, Any], woken: list[Key], change: dict[str, object]
) -> None:
    changed = resource()
    changed["metadata"] |= change

    await send(handlers, "tradingsymbols", "ADDED", resource())
    await send(handlers, "tradingsymbols", "MODIFIED", changed)

    assert woken == [KEY, KEY]


async def test_deletion_wakes_and_is_forgotten(handlers: dict[str, Any], woken: list[Key]) -> None:
    for kind in ("ADDED", "DELETED", "DELETED", "ADDED"):
        await send(handlers, "tradingsymbols", kind, resource())

    assert woken == [KEY] * 4


async def test_a_leader_pod_on_its_way_wakes_its_resource_soon(
    handlers: dict[str, Any], woken: list[Key], soon: list[Key]
) -> None:
    """It is scheduled, starts and gets ready within moments: one look at the end will do."""
    for kind in ("ADDED", "MODIFIED"):
        await send(handlers, "pods", kind, pod())

    assert (woken, soon) == ([], [KEY] * 2)


@pytest.mark.parametrize(
    ("kind", "phase"), [("DELETED", "Running"), ("MODIFIED", "Failed"), ("MODIFIED", "Succeeded")]
)
async def test_a_leader_pod_that_ended_wakes_its_resource_at_once(
    handlers: dict[str, Any], woken: list[Key], kind: str, phase: str
) -> None:
    await send(handlers, "pods", kind, pod() | {"status": {"phase": phase}})

    assert woken == [KEY]


async def test_a_leader_that_ended_beside_a_sidecar_wakes_its_resource_at_once(
    handlers: dict[str, Any], woken: list[Key]
) -> None:
    await send(handlers, "pods", "MODIFIED", pod(containerStatuses=container(terminated(0))))

    assert woken == [KEY]


def test_kopf_is_told_to_write_nothing_and_to_notice_dead_watches() -> None:
    settings = make_settings()

    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.scanning.disabled is True
    assert settings.persistence.finalizer != "kopf.zalando.org/KopfFinalizerMarker"
    assert settings.persistence.diffbase_storage.build(body=kopf.Body({"spec": {"a": 1}})) == {}
    essence = kopf.BodyEssence({"spec": {}})
    assert settings.persistence.progress_storage.clear(essence=essence) is essence
    assert (settings.watching.server_timeout or 0) < (settings.watching.client_timeout or 0)
    assert settings.queueing.idle_timeout < 1
    # Bookmarks come once a minute at the latest.
    assert settings.watching.inactivity_timeout == pytest.approx(70)
    # Where it waits for itself, it is ended.
    assert settings.process.ultimate_exiting_timeout == 20


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": {"tradingsymbol.dev/abandon-orders": "true"}},
        {"finalizers": ["foregroundDeletion"]},
        {"deletionTimestamp": "2026-01-01T12:00:00Z"},
    ],
)
async def test_each_step_of_a_deletion_wakes(
    handlers: dict[str, Any], woken: list[Key], change: dict[str, Any]
) -> None:
    document = resource()
    await send(handlers, "tradingsymbols", "ADDED", document)
    document["metadata"] |= change
    await send(handlers, "tradingsymbols", "MODIFIED", document)

    assert woken == [KEY, KEY]


async def test_what_is_gone_is_told_as_it_was_last_seen(
    handlers: dict[str, Any], woken: list[Key], mourned: list[Any]
) -> None:
    await send(handlers, "tradingsymbols", "DELETED", resource())

    assert woken == [KEY]
    assert [went["metadata"]["uid"] for went in mourned] == ["r1"]
