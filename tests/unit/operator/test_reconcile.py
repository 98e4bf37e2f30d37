"""Reconciling against a cluster in memory: it converges, whatever happened before."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_operator.cluster import NotFoundError, RefusedError, UnavailableError
from symbol_operator.decision import Context
from symbol_operator.metrics import Metrics
from symbol_operator.news import EventReason
from symbol_operator.observation import OVERDUE_AFTER
from symbol_operator.reconcile import (
    CONFLICT_RETRY_SECONDS,
    POD_SETTLES_SECONDS,
    REFUSED_RETRY_SECONDS,
    Key,
    Reconciler,
)
from symbol_operator.settings import ExchangeEntry, LeaderSettings, OperatorSettings
from tradingsymbol_api.names import ANNOTATION_ABANDON, FINALIZER
from unit.operator.fake_cluster import GRACE, FakeCluster
from unit.operator.objects import foreign_pod, node

KEY = Key("trading", "xrpusdt")
LEDGER = {"profit": "1.5", "quoteAsset": "USDT", "unvaluedFees": {"BNB": "0.0012"}}
SETTINGS = OperatorSettings(
    namespaces=("trading",),
    exchanges=(
        ExchangeEntry(name="paper", environment="paper", api_url="a", stream_url="b", secret="c"),
    ),
    leader=LeaderSettings(image="symbol-trader:1"),
)


@pytest.fixture
def cluster() -> FakeCluster:
    """Return a cluster with one symbol that is on."""
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt")
    return cluster


def operator_of(cluster: FakeCluster, settings: OperatorSettings = SETTINGS) -> Reconciler:
    return Reconciler(
        cluster,
        Context(settings, "cluster-1"),
        Metrics(),
        clock=lambda: cluster.now,
        instance="test",
        again=cluster.called_again.append,
    )


@pytest.fixture
def operator(cluster: FakeCluster) -> Reconciler:
    """Return an operator that has just started."""
    return operator_of(cluster)


def condition(cluster: FakeCluster, kind: str = "Ready") -> tuple[str, str]:
    conditions = cluster.symbols["xrpusdt"]["status"]["conditions"]
    (found,) = [item for item in conditions if item["type"] == kind]
    return found["status"], found["reason"]


def reasons(cluster: FakeCluster) -> list[str]:
    return [str(news.reason) for news in cluster.events.values()]


async def running(cluster: FakeCluster, operator: Reconciler) -> None:
    """Bring the symbol to a leader that is ready and has reported."""
    await operator.reconcile(KEY)
    cluster.run("xrpusdt")
    await operator.reconcile(KEY)
    cluster.symbols["xrpusdt"]["status"] |= {"traders": 2, "epoch": 1, **LEDGER}
    cluster.writes.clear()


async def test_on_creates_a_pod_and_soon_tells_of_it(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    assert await operator.reconcile(KEY) == POD_SETTLES_SECONDS
    assert cluster.writes == ["create"]

    assert await operator.reconcile(KEY) is None
    pod = cluster.pods["xrpusdt-leader"]
    status = cluster.symbols["xrpusdt"]["status"]
    assert cluster.writes == ["create", "status of symbol-operator"]
    assert status["leader"] == {"pod": "xrpusdt-leader", "uid": pod["metadata"]["uid"]}
    assert (status["requested"], status["symbol"]) == ("on", "XRPUSDT")
    assert condition(cluster) == ("False", "Starting")
    assert reasons(cluster) == ["LeaderStarted"]


async def test_a_ready_leader_makes_the_symbol_ready(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)

    assert condition(cluster) == ("True", "LeaderReady")
    assert cluster.symbols["xrpusdt"]["status"]["leader"]["node"] == "node-1"


async def test_a_look_that_finds_everything_in_order_writes_nothing(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    cluster.now += timedelta(hours=1)

    await operator.reconcile(KEY)

    assert cluster.writes == []
    assert await operator.survey("trading") == set()


async def test_off_deletes_the_pod_and_then_withdraws_its_report(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "off")

    await operator.reconcile(KEY)
    assert cluster.writes == ["delete", "status of symbol-operator"]
    assert condition(cluster) == ("False", "Stopping")

    cluster.finish("xrpusdt")
    cluster.writes.clear()
    await operator.reconcile(KEY)
    assert cluster.writes == ["status of symbol-trader", "status of symbol-operator"]
    assert condition(cluster) == ("True", "Stopped")
    status = cluster.symbols["xrpusdt"]["status"]
    assert not {"traders", "epoch", "leader"} & status.keys()
    assert {name: status.get(name) for name in LEDGER} == LEDGER, "the ledger stays"

    cluster.writes.clear()
    await operator.reconcile(KEY)
    assert cluster.writes == [], "what stays is not withdrawn again"
    assert await operator.survey("trading") == set()


async def test_a_pod_that_changed_hands_between_read_and_delete_is_left_alone(
    cluster: FakeCluster, operator: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "off")
    read = cluster.resource

    async def read_late(namespace: str, name: str) -> Any:
        cluster.pods["xrpusdt-leader"]["metadata"]["uid"] = "another"
        return await read(namespace, name)

    monkeypatch.setattr(cluster, "resource", read_late)

    assert await operator.reconcile(KEY) == CONFLICT_RETRY_SECONDS
    assert cluster.writes == []


async def test_a_leader_that_writes_off_while_it_is_looked_at_is_not_started_again(
    cluster: FakeCluster, operator: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read the other way round, an old shutdown would meet the end that came after it."""
    await running(cluster, operator)
    cluster.switch("xrpusdt", "shutdown")
    first: list[str] = []

    def then_drain(read: Callable[..., Any]) -> Callable[..., Any]:
        async def reading(*key: str) -> Any:
            found = await read(*key)
            if not first:
                first.append("read")
                drain(cluster)
            return found

        return reading

    monkeypatch.setattr(cluster, "pod", then_drain(cluster.pod))
    monkeypatch.setattr(cluster, "resource", then_drain(cluster.resource))

    await operator.reconcile(KEY)
    await operator.reconcile(KEY)

    assert "create" not in cluster.writes
    assert cluster.pods == {}


async def test_a_resource_that_goes_meanwhile_takes_its_status_along(
    cluster: FakeCluster, operator: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(document: object, manager: str) -> None:
        raise NotFoundError(manager)

    await operator.reconcile(KEY)
    monkeypatch.setattr(cluster, "apply_status", gone)

    assert await operator.reconcile(KEY) is None


@pytest.mark.parametrize("refusal", [RefusedError("quota exceeded"), NotFoundError("namespace")])
async def test_a_refused_pod_is_told_and_tried_again(
    cluster: FakeCluster, operator: Reconciler, refusal: Exception
) -> None:
    cluster.refusal = refusal

    assert await operator.reconcile(KEY) == REFUSED_RETRY_SECONDS
    assert condition(cluster, "Stalled") == ("True", "CreateRefused")
    assert reasons(cluster) == ["CreateRefused"]

    cluster.refusal = None
    await operator.reconcile(KEY)
    await operator.reconcile(KEY)
    assert condition(cluster) == ("False", "Starting")
    assert reasons(cluster) == ["CreateRefused", "LeaderStarted"]


async def test_an_api_server_that_is_away_is_the_queues_business(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    cluster.refusal = UnavailableError("away")

    with pytest.raises(UnavailableError):
        await operator.reconcile(KEY)


async def test_a_resource_that_never_was_is_nothing(operator: Reconciler) -> None:
    assert await operator.reconcile(Key("trading", "absent")) is None


async def test_a_leader_without_a_resource_ends(cluster: FakeCluster, operator: Reconciler) -> None:
    await running(cluster, operator)
    del cluster.symbols["xrpusdt"]

    assert await operator.survey("trading") == {KEY}
    await operator.reconcile(KEY)
    assert cluster.writes == ["delete"]


async def test_a_new_resource_does_not_inherit_the_pod_of_the_old_one(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    former = cluster.pods["xrpusdt-leader"]["metadata"]["uid"]
    cluster.create_symbol("xrpusdt")

    await operator.reconcile(KEY)
    assert cluster.writes[0] == "delete"
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)
    assert cluster.pods["xrpusdt-leader"]["metadata"]["uid"] != former


async def test_a_pod_of_somebody_else_is_never_touched(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    cluster.pods["xrpusdt-leader"] = foreign_pod()

    await operator.reconcile(KEY)

    assert cluster.writes == ["status of symbol-operator"]
    assert condition(cluster, "Stalled") == ("True", "ForeignPod")


async def test_failures_in_a_row_wait_ever_longer(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)

    cluster.finish("xrpusdt")
    assert await operator.reconcile(KEY) == POD_SETTLES_SECONDS
    cluster.run("xrpusdt")
    cluster.finish("xrpusdt")
    assert await operator.reconcile(KEY) == 10
    assert "xrpusdt-leader" not in cluster.pods

    cluster.now += timedelta(seconds=4)
    assert await operator.reconcile(KEY) == 6
    assert condition(cluster) == ("False", "BackingOff")
    cluster.now += timedelta(seconds=6)
    assert await operator.reconcile(KEY) == POD_SETTLES_SECONDS
    assert "xrpusdt-leader" in cluster.pods
    assert reasons(cluster) == ["LeaderStarted", "LeaderReplaced", "LeaderReplaced"]


async def test_a_resource_that_is_gone_leaves_no_memory(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)
    assert operator._backoffs
    cluster.symbols.clear()
    cluster.pods.clear()

    await operator.survey("trading")

    assert operator._backoffs == {}


async def test_a_pod_that_only_its_dead_node_could_end_is_given_up(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    cluster.run("xrpusdt")
    await cluster.delete_pod(*KEY, cluster.pods["xrpusdt-leader"]["metadata"]["uid"], force=False)
    wait = await operator.reconcile(KEY)
    assert wait == (GRACE + OVERDUE_AFTER).total_seconds()

    cluster.nodes["node-1"] = node("Unknown")
    cluster.now += timedelta(seconds=wait + 1)
    cluster.writes.clear()
    await operator.reconcile(KEY)

    assert cluster.writes == ["fence", "force", "status of symbol-trader", "create"]
    assert reasons(cluster)[-1] == "NodeLost"


async def lose(cluster: FakeCluster, operator: Reconciler) -> str:
    """Have the node of a ready leader lost; return the uid of its pod, which is terminating."""
    await running(cluster, operator)
    uid: str = cluster.pods["xrpusdt-leader"]["metadata"]["uid"]
    await cluster.delete_pod(*KEY, uid, force=False)
    cluster.nodes["node-1"] = node("Unknown")
    cluster.now += GRACE + OVERDUE_AFTER + timedelta(seconds=1)
    cluster.writes.clear()
    cluster.events.clear()
    return uid


async def test_a_terminating_pod_is_looked_at_for_its_end_to_be_awaited(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    """An operator that starts has not seen the deletion: the look says when to look again."""
    await running(cluster, operator)
    await cluster.delete_pod(*KEY, cluster.pods["xrpusdt-leader"]["metadata"]["uid"], force=False)
    await operator.reconcile(KEY)

    assert await operator.survey("trading") == {KEY}
    assert (await operator.reconcile(KEY) or 0) > 0


async def test_an_overdue_pod_on_a_healthy_node_is_waited_for(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    await cluster.delete_pod(*KEY, cluster.pods["xrpusdt-leader"]["metadata"]["uid"], force=False)
    cluster.now += timedelta(minutes=5)
    cluster.writes.clear()

    await operator.reconcile(KEY)

    assert "force" not in cluster.writes
    assert await operator.survey("trading") == {KEY}


async def test_an_invalid_resource_can_still_be_switched_off(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await running(cluster, operator)
    cluster.symbols["xrpusdt"]["spec"]["budget"] = "nothing"

    await operator.reconcile(KEY)
    assert condition(cluster, "Stalled") == ("True", "InvalidSpec")
    assert "xrpusdt-leader" in cluster.pods

    cluster.switch("xrpusdt", "off")
    await operator.reconcile(KEY)
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)
    assert condition(cluster) == ("True", "Stopped")


@pytest.mark.parametrize("status", ["banana", None, 3])
async def test_a_status_that_nobody_understands_does_not_trade(
    cluster: FakeCluster, operator: Reconciler, status: object
) -> None:
    cluster.symbols["xrpusdt"]["spec"]["status"] = status

    await operator.reconcile(KEY)

    assert cluster.pods == {}
    assert cluster.symbols["xrpusdt"]["status"]["requested"] == "off"


async def test_a_resource_on_its_way_gets_no_pod(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    cluster.symbols["xrpusdt"]["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"

    await operator.reconcile(KEY)

    assert cluster.pods == {}
    assert condition(cluster) == ("False", "Deleting")


MOVES: list[Callable[[FakeCluster], object]] = [
    lambda c: c.switch("xrpusdt", "on") if c.symbols else c.create_symbol("xrpusdt"),
    lambda c: c.switch("xrpusdt", "off") if c.symbols else None,
    lambda c: c.switch("xrpusdt", "shutdown") if c.symbols else None,
    lambda c: c.symbols.clear(),
    lambda c: c.create_symbol("xrpusdt", "shutdown"),
    lambda c: c.run("xrpusdt") if leads(c) else None,
    lambda c: c.finish("xrpusdt") if leads(c) else None,
    lambda c: c.finish("xrpusdt", "Succeeded", '{"cause": "fenced"}') if leads(c) else None,
    lambda c: drain(c) if leads(c) else None,
    lambda c: c.end_fences("xrpusdt"),
    lambda c: c.end_fences("xrpusdt", "Failed"),
    lambda c: c.pods.pop("xrpusdt-leader", None),
    lambda c: c.nodes.clear(),
    lambda c: c.nodes.update({"node-1": node()}),
    lambda c: setattr(c, "now", c.now + timedelta(minutes=1)),
]


def leads(cluster: FakeCluster) -> bool:
    return "xrpusdt-leader" in cluster.pods


def drain(cluster: FakeCluster) -> None:
    """End a shutdown as a leader does: off first, then its own end."""
    if cluster.symbols and cluster.symbols["xrpusdt"]["spec"]["status"] == "shutdown":
        cluster.switch("xrpusdt", "off")
        cluster.finish("xrpusdt", "Succeeded", '{"cause": "drained"}')


def said_to_be_stopped(cluster: FakeCluster) -> bool:
    symbol = cluster.symbols.get("xrpusdt", {})
    status = symbol.get("status", {})
    current = status.get("observedGeneration") == symbol.get("metadata", {}).get("generation")
    return current and "conditions" in status and condition(cluster) == ("True", "Stopped")


async def settle(cluster: FakeCluster, operator: Reconciler) -> None:
    """Let time pass, with the kubelet ending what is to end, until nothing is left to do."""
    for _ in range(12):
        await operator.reconcile(KEY)
        cluster.now += timedelta(minutes=6)
        pod = cluster.pods.get("xrpusdt-leader")
        if pod and "deletionTimestamp" in pod["metadata"] and "node-1" in cluster.nodes:
            cluster.finish("xrpusdt")
        cluster.end_fences("xrpusdt")
        if not await operator.survey("trading"):
            return
    raise AssertionError("never comes to rest")


@settings(max_examples=150, deadline=None)
@given(
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(range(len(MOVES))), st.integers(0, 3)), max_size=12),
)
def test_whatever_happens_the_end_is_what_was_asked_for(
    lost: bool,
    moves: list[tuple[int, int]],
) -> None:
    """After any history, seen or missed, with restarts of the operator in between.

    Half of them begin with a leader whose node is lost, which few would come to by chance.
    """

    async def history() -> FakeCluster:
        cluster = FakeCluster()
        cluster.create_symbol("xrpusdt")
        operator = operator_of(cluster)
        if lost:
            await lose(cluster, operator)
        for move, attention in moves:
            MOVES[move](cluster)
            # The operator looks, misses it, or was restarted.
            if attention == 3:
                operator = operator_of(cluster)
            elif attention:
                await operator.reconcile(KEY)
                assert not (said_to_be_stopped(cluster) and cluster.at_large)
        await settle(cluster, operator)
        return cluster

    cluster = asyncio.run(history())
    symbol = cluster.symbols.get("xrpusdt")
    wanted = symbol is not None and symbol["spec"]["status"] in {"on", "shutdown"}
    assert list(cluster.pods) == (["xrpusdt-leader"] if wanted else [])
    if symbol is None:
        return
    assert symbol["status"]["requested"] == symbol["spec"]["status"]
    assert symbol["status"]["observedGeneration"] == symbol["metadata"]["generation"]
    if wanted:
        (owner,) = cluster.pods["xrpusdt-leader"]["metadata"]["ownerReferences"]
        assert owner["uid"] == symbol["metadata"]["uid"]
        assert (
            symbol["status"]["leader"]["uid"] == cluster.pods["xrpusdt-leader"]["metadata"]["uid"]
        )
    else:
        assert condition(cluster) == ("True", "Stopped")


# Deletion.


@pytest.fixture(params=["Drain", "CancelOrders"])
def careful(request: pytest.FixtureRequest) -> FakeCluster:
    """Return a cluster with one symbol whose deletion waits."""
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt", deletionPolicy=request.param)
    return cluster


async def led(cluster: FakeCluster) -> Reconciler:
    """Return the operator of a symbol whose leader is ready."""
    operator = operator_of(cluster)
    await running(cluster, operator)
    return operator


async def test_a_deletion_waits_until_the_leader_has_finished(careful: FakeCluster) -> None:
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    await operator.reconcile(KEY)
    assert "xrpusdt-leader" in careful.pods
    assert condition(careful) == ("False", "Deleting")

    careful.finish("xrpusdt", "Succeeded", '{"cause": "drained"}')
    await operator.reconcile(KEY)
    assert careful.symbols == {}
    await operator.reconcile(KEY)
    assert careful.pods == {}
    assert not [news for news in careful.events.values() if news.reason == "OrdersRest"]


async def test_a_deletion_without_a_leader_starts_one_to_finish(careful: FakeCluster) -> None:
    careful.switch("xrpusdt", "off")
    operator = operator_of(careful)
    await operator.reconcile(KEY)
    assert careful.pods == {}
    careful.delete_symbol("xrpusdt")
    await operator.reconcile(KEY)
    assert list(careful.pods) == ["xrpusdt-leader"]
    assert "xrpusdt" in careful.symbols


@pytest.mark.parametrize("way", ["foreground", "annotation", "policy"])
async def test_a_deletion_that_is_told_not_to_wait_leaves_the_orders_and_says_so(
    careful: FakeCluster, way: str
) -> None:
    operator = await led(careful)
    careful.symbols["xrpusdt"]["status"]["openOrders"] = 2
    if way == "foreground":
        careful.delete_symbol("xrpusdt", "foregroundDeletion")
        await operator.reconcile(KEY)
        assert careful.symbols["xrpusdt"]["metadata"]["finalizers"] == ["foregroundDeletion"]
    else:
        careful.delete_symbol("xrpusdt")
        await operator.reconcile(KEY)
        if way == "policy":
            careful.symbols["xrpusdt"]["spec"]["deletionPolicy"] = "Stop"
        else:
            careful.annotate("xrpusdt", ANNOTATION_ABANDON, "true")
        await operator.reconcile(KEY)
        assert careful.symbols == {}
    assert "delete" in careful.writes
    (news,) = [news for news in careful.events.values() if news.reason == "OrdersRest"]
    assert "2 orders rest on the exchange and stay on record" in news.note


async def test_what_rests_is_told_before_the_resource_is_let_go(
    careful: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator that is killed right after has told."""
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    careful.annotate("xrpusdt", ANNOTATION_ABANDON, "true")

    async def killed(*_: object) -> None:
        raise UnavailableError("no more")

    monkeypatch.setattr(careful, "set_finalizers", killed)
    with pytest.raises(UnavailableError):
        await operator.reconcile(KEY)

    assert [n for n in careful.events.values() if n.reason is EventReason.ORDERS_REST]


async def test_a_namespace_that_is_deleted_is_not_held_up(
    careful: FakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes no Events either: the log has to do."""
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    careful.ending = True
    await operator.reconcile(KEY)

    assert careful.symbols == {}
    assert "OrdersRest: Goes before its leader has finished" in caplog.text


async def test_a_namespace_whose_end_was_missed_is_not_held_up(careful: FakeCluster) -> None:
    """Only a look reads the namespace."""
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    await operator.reconcile(KEY)
    careful.ending = True

    assert await operator.survey("trading") == {KEY}
    await operator.reconcile(KEY)
    assert careful.symbols == {}


async def test_a_symbol_that_may_go_at_once_has_no_finalizer(
    cluster: FakeCluster, operator: Reconciler
) -> None:
    await operator.reconcile(KEY)
    assert "finalizers" not in cluster.symbols["xrpusdt"]["metadata"]

    cluster.symbols["xrpusdt"]["spec"]["deletionPolicy"] = "Drain"
    await operator.reconcile(KEY)
    assert cluster.symbols["xrpusdt"]["metadata"]["finalizers"] == [FINALIZER]

    cluster.symbols["xrpusdt"]["spec"]["deletionPolicy"] = "Stop"
    await operator.reconcile(KEY)
    assert cluster.symbols["xrpusdt"]["metadata"]["finalizers"] == []


@pytest.mark.parametrize(
    ("orders", "policy", "waited", "told"),
    [
        (1, "Stop", False, "1 order rests"),
        (1, "Stop", True, "1 order rests"),
        (0, "Stop", False, None),
        (1, "Drain", False, "1 order rests"),
        (1, "Drain", True, None),
    ],
    ids=["orders rest", "in the foreground", "nothing rests", "no finalizer yet", "it was told"],
)
async def test_what_rests_of_a_symbol_that_went_is_told(
    cluster: FakeCluster, orders: int, policy: str, *, waited: bool, told: str | None
) -> None:
    operator = operator_of(cluster)
    went = cluster.symbols["xrpusdt"]
    went["status"] = {"openOrders": orders}
    went["spec"]["deletionPolicy"] = policy
    if waited:
        went["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    await operator.mourn(went)

    assert [told in news.note for news in cluster.events.values() if told] == [True] * bool(told)
    assert len(cluster.events) == bool(told)


async def test_leaders_are_updated_a_few_at_a_time_and_a_bad_image_stops_there(
    cluster: FakeCluster,
) -> None:
    """Each takes its turn; one that does not get ready keeps the others on what works."""
    names = ["ada", "bnb", "xrpusdt"]
    for name in names[:2]:
        cluster.create_symbol(name)
    await lead(operator_of(cluster), cluster, names)
    before = {name: cluster.pods[f"{name}-leader"]["metadata"]["uid"] for name in names}

    newer = SETTINGS.model_copy(
        update={"leader": LeaderSettings(image="symbol-trader:2"), "updates_at_once": 1}
    )
    operator = operator_of(cluster, newer)
    await look_at(operator, names)
    assert updated(cluster, before) == {"ada"}

    del cluster.pods["ada-leader"]
    await look_at(operator, names)
    assert updated(cluster, before) == {"ada"}, "its new leader is not ready"
    assert cluster.called_again == []

    cluster.run("ada")
    await look_at(operator, names[:1])
    assert cluster.called_again == [Key("trading", "bnb")]
    await look_at(operator, names)
    assert updated(cluster, before) == {"ada", "bnb"}
    replaced = [n.note for n in cluster.events.values() if n.reason is EventReason.LEADER_REPLACED]
    assert len(replaced) == 2
    assert all("makes way" in note for note in replaced), "told once, and why"


async def lead(operator: Reconciler, cluster: FakeCluster, names: list[str]) -> None:
    await look_at(operator, names)
    for name in names:
        cluster.run(name)
    await look_at(operator, names)


async def look_at(operator: Reconciler, names: list[str]) -> None:
    for name in names:
        await operator.reconcile(Key("trading", name))


def updated(cluster: FakeCluster, before: dict[str, str]) -> set[str]:
    """Return those whose pod is another one, or on its way out."""
    pods = {name: cluster.pods.get(f"{name}-leader", {}).get("metadata", {}) for name in before}
    return {
        name
        for name, found in pods.items()
        if found.get("uid") != before[name] or "deletionTimestamp" in found
    }
