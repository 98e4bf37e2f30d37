"""Where kopf's events enter: what they wake, what they do not, and what kopf may write."""

from dataclasses import replace
from typing import Any

import kopf
import pytest
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration

from symbol_operator.handlers import make_registry, make_settings
from symbol_operator.managed_fields import put_right
from symbol_operator.reconcile import Key
from unit.operator.objects import pod, resource

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


@pytest.fixture
def listed() -> list[None]:
    """Collect how often something was there when a watch began."""
    return []


def registry_of(
    woken: list[Key], soon: list[Key], mourned: list[Any], listed: list[None]
) -> kopf.OperatorRegistry:
    async def gone(resource: object) -> None:
        mourned.append(resource)

    def found() -> None:
        listed.append(None)

    return make_registry(woken.append, soon.append, gone, found, kubeconfig=None)


@pytest.fixture
def handlers(
    woken: list[Key], soon: list[Key], mourned: list[Any], listed: list[None]
) -> dict[str, Any]:
    """Return the registered handlers by the plural of their resource."""
    registry = registry_of(woken, soon, mourned, listed)
    found = registry._watching.get_all_handlers()
    selectors = [handler.selector for handler in found if handler.selector]
    plurals = [str(selector.plural or selector.any_name) for selector in selectors]
    return dict(zip(plurals, found, strict=True))


async def send(handlers: dict[str, Any], plural: str, kind: str | None, document: object) -> None:
    await handlers[plural].fn(event={"type": kind, "object": document})


def test_only_low_level_handlers_are_registered(handlers: dict[str, Any]) -> None:
    """The others would keep their state on the objects: annotations and finalizers."""
    registry = registry_of([], [], [], [])

    assert set(handlers) == {"tradingsymbols", "pods"}
    assert list(registry._changing.get_all_handlers()) == []
    assert list(registry._spawning.get_all_handlers()) == []
    assert list(registry._indexing.get_all_handlers()) == []


async def test_the_api_server_is_called_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster's DNS may start later than the operator, which would end for want of it."""

    def load(client_configuration: Configuration) -> None:
        client_configuration.host = "https://10.96.0.1:443"

    by_name = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="secret")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: by_name)
    monkeypatch.setattr(config, "load_incluster_config", load)
    (login,) = registry_of([], [], [], [])._activities.get_all_handlers()
    login_in_cluster: Any = login.fn
    found = login_in_cluster()

    assert found == replace(by_name, server="https://10.96.0.1:443")


async def test_what_a_watch_finds_when_it_begins_is_compared_all_at_once(
    handlers: dict[str, Any], woken: list[Key], soon: list[Key], listed: list[None]
) -> None:
    await send(handlers, "tradingsymbols", None, resource())
    await send(handlers, "pods", None, pod())
    assert (woken, soon, len(listed)) == ([], [], 2)

    await send(handlers, "tradingsymbols", "MODIFIED", resource())
    assert woken == [], "it is as it was when the watch began"
    await send(handlers, "tradingsymbols", "ADDED", resource(uid="r2"))
    assert woken == [KEY]


async def test_what_a_watch_that_begins_again_finds_unchanged_needs_no_comparison(
    handlers: dict[str, Any], listed: list[None]
) -> None:
    for _ in range(2):
        await send(handlers, "tradingsymbols", None, resource())

    assert len(listed) == 1


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
    assert mourned == [resource()]
