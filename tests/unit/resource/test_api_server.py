"""The off patch as the API server would see it, and what a leader makes of a watch."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio import config, watch
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.desired import SwitchOffOutcome
from symbol_trader.errors import Unavailable
from symbol_trader.report import Report
from symbol_trader.resource.api_server import ApiServerResource
from tradingsymbol_api.names import API_VERSION, KIND

HEARD: dict[str, Any] = {"uid": "uid-1", "generation": 2}


class ApiServer:
    """Takes a JSON patch as RFC 6902 says: a failed test refuses all of it, with 422."""

    def __init__(self, document: dict[str, Any], failure: int | None = None) -> None:
        self.document, self._failure = document, failure

    async def patch(self, _: object, *, body: list[dict[str, Any]], **call: Any) -> None:
        assert call["_content_type"] == "application/json-patch+json"
        if self._failure:
            raise ApiException(self._failure, "it says")
        for step in body:
            parent, field = step["path"].lstrip("/").split("/")
            if step["op"] == "test" and self.document[parent].get(field) != step["value"]:
                raise ApiException(422, "a test failed")
            if step["op"] == "replace":
                self.document[parent][field] = step["value"]


async def switch_off(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> SwitchOffOutcome:
    async def patch(api: object, **call: Any) -> None:
        await server.patch(api, **call)

    monkeypatch.setattr(CustomObjectsApi, "patch_namespaced_custom_object", patch)
    resource = ApiServerResource(None, "default", "xrpusdt", print)  # type: ignore[arg-type]  # no client is asked
    resource._heard = HEARD
    return await resource.switch_off()


def stored(status: str, uid: str = "uid-1", generation: int = 2) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "generation": generation}, "spec": {"status": status}}


@pytest.mark.parametrize(
    ("before", "outcome", "status"),
    [
        (stored("shutdown"), SwitchOffOutcome.WRITTEN, "off"),
        (stored("on"), SwitchOffOutcome.SUPERSEDED, "on"),
        (stored("shutdown", uid="another"), SwitchOffOutcome.SUPERSEDED, "shutdown"),
        (stored("shutdown", generation=4), SwitchOffOutcome.SUPERSEDED, "shutdown"),
    ],
    ids=[
        "shutdown",
        "switched on meanwhile",
        "deleted and made again meanwhile",
        "switched on and shut down again meanwhile",
    ],
)
async def test_off_is_written_only_over_shutdown_and_into_the_same_resource(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, Any], outcome: SwitchOffOutcome, status: str
) -> None:
    server = ApiServer(before)
    assert await switch_off(monkeypatch, server) is outcome
    assert server.document["spec"]["status"] == status


@pytest.mark.parametrize("status", [500, 409])
async def test_an_api_server_that_fails_or_is_too_busy_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A conflict says only that others wrote, too: whoever waited for another wish would hang."""
    with pytest.raises(Unavailable, match=str(status)):
        await switch_off(monkeypatch, ApiServer(stored("shutdown"), failure=status))


def document(generation: int, **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "xrpusdt", "uid": "uid-1", "generation": generation},
        "spec": {"exchange": "paper", "budget": "100", **spec},
    }


def warning_to(warned: list[str]) -> ApiServerResource:
    client: Any = None
    return ApiServerResource(
        client, "default", "xrpusdt", lambda event, why: warned.append(f"{event}: {why}")
    )


async def heard(
    monkeypatch: pytest.MonkeyPatch, *watches: list[dict[str, Any] | Exception]
) -> tuple[list[int], list[str]]:
    """Return the generations that watches with these documents lead to, and the warnings."""
    coming = iter(watches)

    async def watch(_: ApiServerResource) -> AsyncIterator[dict[str, Any]]:
        for each in next(coming):
            if isinstance(each, Exception):
                raise each
            yield each

    warned: list[str] = []
    monkeypatch.setattr(ApiServerResource, "_watch", watch)
    monkeypatch.setattr("symbol_trader.resource.api_server.PAUSES_S", (0.0,))
    resource = warning_to(warned)
    generations = []
    async with aclosing(resource.changes()) as changes:  # type: ignore[type-var]  # a generator by its protocol
        async for desired in changes:
            generations.append(desired.generation)
            if desired.generation == LAST:
                break
    return generations, warned


LAST = 9


async def test_a_spec_that_cannot_be_read_is_warned_about_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = document(2, status="hibernate")

    generations, warned = await heard(monkeypatch, [document(1), unknown, document(LAST)])

    assert generations == [1, LAST]
    (why,) = warned
    assert "spec.status" in why


@pytest.mark.parametrize(
    "failure", [OSError("cut"), ApiException(410), Exception("no object, type or code")], ids=repr
)
async def test_a_watch_that_breaks_is_begun_again(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    watches: list[list[dict[str, Any] | Exception]] = [[document(1), failure], [document(LAST)]]

    assert (await heard(monkeypatch, *watches))[0] == [1, LAST]


async def test_a_time_without_the_api_server_is_told_and_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is known it waits; afterwards it trades on."""
    refused = OSError("refused")
    _, warned = await heard(
        monkeypatch, [refused], [refused], [document(1), refused], [document(LAST)]
    )
    first, over, second, over_again = warned
    assert first.startswith("no word from the API server: since 2")
    assert "waiting to hear what is asked for" in first
    assert "trading goes on" in second
    assert over.startswith("no word from the API server: over: it had begun at 2")
    assert over_again == over


async def test_a_status_that_is_refused_is_told_although_the_watch_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def patch(_: object, **_call: Any) -> None:
        raise ApiException(403, "Forbidden")

    warned: list[str] = []
    monkeypatch.setattr(CustomObjectsApi, "patch_namespaced_custom_object_status", patch)
    resource = warning_to(warned)
    resource._seen = document(1)
    for _ in range(2):
        with pytest.raises(Unavailable, match="403"):
            await resource.report(Report(generation=1, epoch=1, trading=True, draining=False))
    (told,) = warned
    assert told.startswith("the API server refuses the status: since 2")


class Statuses:
    """Takes each status that is written, and adds what the API server itself adds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written: list[dict[str, Any]] = []

        async def patch(_: object, *, body: dict[str, Any], **_call: Any) -> dict[str, Any]:
            self.written.append(body["status"])
            return document(1) | {"status": body["status"] | {"traders": 7}}

        monkeypatch.setattr(CustomObjectsApi, "patch_namespaced_custom_object_status", patch)


TRADES = Report(generation=1, epoch=2, trading=True, draining=False)


async def test_a_report_is_written_once_whatever_the_api_server_makes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that has another schema, say, must not be written to every second."""
    statuses = Statuses(monkeypatch)
    resource = warning_to([])
    resource._seen = document(1)
    for _ in range(2):
        await resource.report(TRADES)
    assert len(statuses.written) == 1


async def test_the_last_word_of_a_leader_that_was_lost_is_written_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was frozen, and its successor had reported already; then nothing changes for hours."""
    statuses = Statuses(monkeypatch)
    resource = warning_to([])
    resource._seen = document(1)
    await resource.report(TRADES)
    resource._read(document(1) | {"status": {"epoch": 1, "traders": 1}})
    await resource.report(TRADES)
    assert [status["epoch"] for status in statuses.written] == [2, 2]


async def test_a_resource_that_is_deleted_is_not_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its leader has finished: that is what the operator waits for."""
    server = ApiServer(stored("on"))
    monkeypatch.setitem(HEARD, "deletionTimestamp", "2026-01-01T12:00:00Z")

    assert await switch_off(monkeypatch, server) is SwitchOffOutcome.WRITTEN
    assert server.document["spec"]["status"] == "on"


async def test_half_a_line_of_a_watch_is_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client hands on as text what is no JSON."""

    async def stream(_: object, *_arguments: object, **_more: object) -> AsyncIterator[str]:
        yield '{"type": "MODIFIED", "obj'

    monkeypatch.setattr(watch.Watch, "stream", stream)
    resource = ApiServerResource(None, "default", "xrpusdt", print)  # type: ignore[arg-type]  # no client is asked
    with pytest.raises(ConnectionError, match="within a line"):
        _ = [document async for document in resource._watch()]


async def test_the_proxy_of_the_exchange_is_none_of_the_api_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def takes(_: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.router.add_patch("/{path:.*}", takes)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    def load(client_configuration: Configuration) -> None:
        client_configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"

    monkeypatch.setattr(config, "load_incluster_config", load)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    resource = ApiServerResource.in_cluster("default", "xrpusdt", print)
    resource._heard = HEARD
    try:
        assert await resource.switch_off() is SwitchOffOutcome.WRITTEN
    finally:
        await resource.close()
        await runner.cleanup()
