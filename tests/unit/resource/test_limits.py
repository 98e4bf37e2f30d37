"""What a leader makes of the TradingLimits of its namespace."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from kubernetes.aio import watch
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.core.limits import AccountLimit
from symbol_trader.errors import ApiServerUnavailable
from symbol_trader.resource import limits as module
from symbol_trader.resource.api_server import ApiServerResource
from symbol_trader.resource.translation import limit_of
from symbol_trader.resource.words import in_words
from tradingsymbol_api.limit import parse_limit
from tradingsymbol_api.names import API_VERSION, LIMIT_KIND
from unit.core.builders import D


def limit(uid: str, generation: int = 1, exchange: str = "paper", **spec: object) -> dict[str, Any]:
    metadata = {"name": f"limit-{uid}", "namespace": "trading", "uid": uid}
    return {
        "apiVersion": API_VERSION,
        "kind": LIMIT_KIND,
        "metadata": metadata | {"generation": generation},
        "spec": {"exchange": exchange, **spec},
    }


class Server:
    """Answers lists with what it is given, one after another, and then tells events."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
        self._answers = iter(answers)
        self._events: list[Any] = []
        self.asked_from: list[str] = []
        monkeypatch.setattr(CustomObjectsApi, "list_namespaced_custom_object", self.list)
        monkeypatch.setattr(watch.Watch, "stream", self.stream)
        monkeypatch.setattr(module, "PAUSES_S", (0.0,))
        monkeypatch.setattr(module, "UNKNOWN_KIND_S", 0.0)

    async def list(self, **_call: Any) -> dict[str, Any]:
        found = next(self._answers)
        if isinstance(found, Exception):
            raise found
        items, self._events = found
        return {"metadata": {"resourceVersion": "41"}, "items": items}

    async def stream(self, _function: object, **call: Any) -> AsyncIterator[Any]:
        self.asked_from.append(call["resource_version"])
        for event in self._events:
            if isinstance(event, Exception):
                raise event
            yield {"type": event[0], "raw_object": event[1]} if isinstance(event, tuple) else event


def resource(warned: list[str] | None = None) -> ApiServerResource:
    client: Any = None
    told = [] if warned is None else warned
    made = ApiServerResource(
        client, "trading", "xrpusdt", lambda event, why: told.append(f"{event}: {why}")
    )
    made._exchange = "paper"
    return made


async def heard(made: ApiServerResource, count: int) -> list[list[tuple[str, int]]]:
    """Return uids and generations of the first so many answers."""
    found: list[list[tuple[str, int]]] = []
    async with aclosing(made.limits()) as answers:  # type: ignore[type-var]  # a generator by its protocol
        async for limits in answers:
            found.append(sorted((one.uid, one.generation) for one in limits))
            if len(found) == count:
                break
    return found


async def test_limits_are_listed_first_and_then_each_change_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [
        ("ADDED", limit("b")),
        ("MODIFIED", limit("a", 2, halt=True)),
        ("DELETED", limit("a", 2)),
    ]
    server = Server(monkeypatch, ([limit("a")], events))
    assert await heard(resource(), 4) == [
        [("a", 1)],
        [("a", 1), ("b", 1)],
        [("a", 2), ("b", 1)],
        [("b", 1)],
    ]
    assert server.asked_from == ["41"]


async def test_limits_of_other_exchanges_are_no_concern(monkeypatch: pytest.MonkeyPatch) -> None:
    Server(monkeypatch, ([limit("a", exchange="binance"), limit("b")], []))
    assert await heard(resource(), 1) == [[("b", 1)]]


async def test_a_status_that_is_written_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = limit("a") | {"status": {"leaders": 1}}
    reported["metadata"] = reported["metadata"] | {"resourceVersion": "7"}
    events = [("MODIFIED", reported), ("MODIFIED", limit("a", 2))]
    Server(monkeypatch, ([limit("a")], events))
    assert await heard(resource(), 2) == [[("a", 1)], [("a", 2)]]


async def test_a_cluster_that_does_not_know_the_kind_has_no_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it is asked again: the definition may come later."""
    unknown = ApiException(404, "no such kind")
    Server(monkeypatch, unknown, unknown, ([limit("a")], []))
    assert await heard(resource(), 2) == [[], [("a", 1)]]


async def test_rights_that_are_missing_are_not_taken_for_no_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warned: list[str] = []
    refused = ApiException(403, "Forbidden")
    refused.body = json.dumps({"message": 'cannot list resource "tradinglimits"'})
    Server(monkeypatch, refused, ([], []))
    assert await heard(resource(warned), 1) == [[]]
    assert warned[0].startswith("no word of TradingLimits from the API server: since 2")
    assert warned[0].endswith('nothing is bought; 403 cannot list resource "tradinglimits"')


@pytest.mark.parametrize("body", [None, "<html>", "[]", '{"message": 7}'])
def test_an_answer_of_the_api_server_is_told_by_its_status(body: str | None) -> None:
    refused = ApiException(502, "Bad Gateway")
    refused.body = body
    assert in_words(refused) == "502 Bad Gateway"


@pytest.mark.parametrize("failure", [OSError("cut"), ApiException(410), "half a l"], ids=repr)
async def test_a_watch_that_breaks_begins_with_a_list_again(
    monkeypatch: pytest.MonkeyPatch, failure: object
) -> None:
    Server(monkeypatch, ([limit("a")], [failure]), ([limit("b")], []))
    assert await heard(resource(), 2) == [[("a", 1)], [("b", 1)]]


async def test_what_cannot_be_read_holds_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    odd = limit("a", 2, maxOpenCycles=-1)
    Server(monkeypatch, ([limit("a")], [("MODIFIED", odd), ("ADDED", limit("b"))]))
    assert await heard(resource(warned), 2) == [[("a", 1)], [("a", 1), ("b", 1)]]
    assert "limit-a: spec.maxOpenCycles" in warned[0]


async def test_at_the_start_nothing_is_yielded_while_a_limit_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd = limit("a", maxOpenCycles=-1)
    Server(monkeypatch, ([odd, limit("b")], [("MODIFIED", limit("a", 2))]))
    assert await heard(resource(), 1) == [[("a", 2), ("b", 1)]]


@pytest.mark.parametrize(
    ("found", "exists"),
    [(limit("a"), True), (limit("b"), False), (ApiException(404, "not found"), False)],
    ids=["there", "another of its name", "gone"],
)
async def test_whether_a_limit_exists_is_asked_by_name_and_uid(
    monkeypatch: pytest.MonkeyPatch, found: Any, exists: bool
) -> None:
    async def get(_: object, *, name: str, **_call: Any) -> Any:
        assert name == "limit-a"
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(CustomObjectsApi, "get_namespaced_custom_object", get)
    assert await resource().limit_exists("limit-a", "a") is exists


async def test_an_api_server_that_does_not_answer_is_no_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def get(_: object, **_call: Any) -> None:
        raise ApiException(500, "it fails")

    monkeypatch.setattr(CustomObjectsApi, "get_namespaced_custom_object", get)
    with pytest.raises(ApiServerUnavailable, match="500"):
        await resource().limit_exists("limit-a", "a")


def test_a_limit_is_translated_whole() -> None:
    document = limit(
        "a",
        3,
        quoteAsset="USDT",
        halt=True,
        maxExposure=2000,
        maxDailyLoss=50,
        maxDrawdown="10%",
        maxOpenCycles=40,
        maxOrdersPerMinute=60,
        cooldown="30m",
        onLimit="CancelBuys",
        resume="NextDay",
        resumedAt="2026-01-31T12:00:00Z",
    )
    assert limit_of(parse_limit(document)) == AccountLimit(
        "a",
        3,
        "",
        "trading",
        "limit-a",
        quote_asset="USDT",
        halt=True,
        max_exposure=D(2000),
        max_daily_loss=D(50),
        max_drawdown=D(200),
        max_open_cycles=40,
        max_orders_per_minute=60,
        cooldown_ms=1_800_000,
        on_limit="CancelBuys",
        resume="NextDay",
        resumed_at="2026-01-31T12:00:00+00:00",
    )
