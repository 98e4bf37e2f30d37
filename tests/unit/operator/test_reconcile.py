"""Reconciling against a cluster in memory: it converges, whatever happened before."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbol_operator.decide.decision import Context, Decision, decide
from symbol_operator.decide.events import EventReason
from symbol_operator.decide.pace import Pace
from symbol_operator.observe.node import OVERDUE_AFTER
from symbol_operator.observe.view import View
from symbol_operator.runtime import reconcile
from symbol_operator.runtime.acting import RECHECK_SECONDS, REFUSED_RETRY_SECONDS
from symbol_operator.runtime.election import NotActingError
from symbol_operator.runtime.errors import NotFoundError, RefusedError, UnavailableError
from symbol_operator.runtime.handlers import relevant
from symbol_operator.runtime.memory import Key, Memory
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.reconcile import CONFLICT_RETRY_SECONDS, Reconciler
from symbol_operator.runtime.store import Store
from symbol_operator.settings import ExchangeEntry, LeaderSettings, OperatorSettings
from tradingsymbol_api.names import ANNOTATION_ABANDON, FINALIZER
from unit.operator.fake_cluster import GRACE, FakeCluster
from unit.operator.objects import foreign_pod, node

KEY = Key("trading", "xrpusdt")
LEDGER = {"profit": "1.5", "quoteAsset": "USDT", "unvaluedFees": {"BNB": "0.0012"}}
SETTINGS = OperatorSettings(
    namespaces=("trading",),
    exchanges=(
        ExchangeEntry(
            name="paper", environment="paper", api_url="ws://a", stream_url="ws://b", secret="c"
        ),
    ),
    leader=LeaderSettings(image="symbol-trader:1"),
)
NEWER_IN_TWO = SETTINGS.model_copy(
    update={
        "namespaces": ("trading", "second"),
        "leader": LeaderSettings(image="symbol-trader:2"),
    }
)


@pytest.fixture
def cluster() -> FakeCluster:
    """Return a cluster with one symbol that is on."""
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt")
    return cluster


class Operator(Reconciler):
    """Looks at what the watches of a cluster told; they tell at once, unless they lag."""

    def __init__(self, cluster: FakeCluster, settings: OperatorSettings, pace_s: float) -> None:
        """Know nothing yet. Reports wait `pace_s` seconds."""
        self.elected = True
        self.writes_left: int | None = None
        self.memory = Memory(relevant)
        super().__init__(
            Store(cluster, self.memory, lambda: cluster.now, self.require),
            Context(settings, "cluster-1"),
            Metrics(),
            clock=lambda: cluster.now,
            tell=cluster.tell,
            again=cluster.called_again.append,
            pace=Pace(pace_s, quiet=0),
            acts=lambda _: self.elected,
        )
        self._watched = cluster
        self.lags = False
        self._begun = False

    def require(self, _: str) -> None:
        """Let so many more writes through, and then have lost the Lease."""
        if self.writes_left is not None:
            self.writes_left -= 1
            self.elected = self.writes_left >= 0
        if not self.elected:
            raise NotActingError("another operator acts")

    async def reconcile(self, key: Key, urgent: bool = False) -> float | None:
        """Look, after the watches told; the first lists come first."""
        if not self._begun:
            await self.survey(key.namespace)
            self._begun = True
        if not self.lags:
            self._watched.tell_all(self.memory)
        return await super().reconcile(key, urgent)


def operator_of(
    cluster: FakeCluster, settings: OperatorSettings = SETTINGS, pace_s: float = 0.0
) -> Operator:
    return Operator(cluster, settings, pace_s)


@pytest.fixture
def operator(cluster: FakeCluster) -> Operator:
    """Return an operator that has just started."""
    return operator_of(cluster)


def condition(cluster: FakeCluster, kind: str = "Ready") -> tuple[str, str]:
    conditions = cluster.symbols["xrpusdt"]["status"]["conditions"]
    (found,) = [item for item in conditions if item["type"] == kind]
    return found["status"], found["reason"]


def reasons(cluster: FakeCluster) -> list[str]:
    return [str(event.reason) for event in cluster.events.values()]


async def running(cluster: FakeCluster, operator: Operator) -> None:
    """Bring the symbol to a leader that is ready and has reported."""
    await operator.reconcile(KEY)
    cluster.run("xrpusdt")
    await operator.reconcile(KEY)
    cluster.symbols["xrpusdt"]["status"] |= {"traders": 2, "epoch": 1, **LEDGER}
    cluster.writes.clear()


async def test_on_creates_a_pod_and_soon_tells_of_it(
    cluster: FakeCluster, operator: Operator
) -> None:
    assert await operator.reconcile(KEY) is not None
    assert cluster.writes == ["create"]

    assert await operator.reconcile(KEY) is None
    pod = cluster.pods["xrpusdt-leader"]
    status = cluster.symbols["xrpusdt"]["status"]
    assert cluster.writes == ["create", "status"]
    assert cluster.reads == []
    assert status["leader"] == {"pod": "xrpusdt-leader", "uid": pod["metadata"]["uid"]}
    assert (status["requested"], status["symbol"]) == ("on", "XRPUSDT")
    assert condition(cluster) == ("False", "Starting")
    assert reasons(cluster) == ["LeaderStarted"]


async def test_a_ready_leader_makes_the_symbol_ready(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)

    assert condition(cluster) == ("True", "LeaderReady")
    assert cluster.symbols["xrpusdt"]["status"]["leader"]["node"] == "node-1"


async def test_a_look_that_finds_everything_in_order_writes_nothing(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.now += timedelta(hours=1)

    await operator.reconcile(KEY)

    assert cluster.writes == []
    assert await operator.survey("trading") == set()


async def test_off_deletes_the_pod_and_then_withdraws_its_report(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "off")

    await operator.reconcile(KEY)
    await operator.reconcile(KEY)
    assert cluster.writes == ["delete", "status"]
    assert condition(cluster) == ("False", "Stopping")

    cluster.finish("xrpusdt")
    cluster.writes.clear()
    await operator.reconcile(KEY)
    assert cluster.writes == ["status"], "one write tells, and withdraws"
    assert cluster.reads == []
    assert condition(cluster) == ("True", "Stopped")
    status = cluster.symbols["xrpusdt"]["status"]
    assert not {"traders", "epoch", "leader"} & status.keys()
    assert {name: status.get(name) for name in LEDGER} == LEDGER, "the ledger stays"

    cluster.writes.clear()
    await operator.reconcile(KEY)
    assert cluster.writes == [], "what stays is not withdrawn again"
    assert await operator.survey("trading") == set()


async def test_a_pod_that_changed_hands_since_the_watch_told_is_left_alone(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "off")
    cluster.tell_all(operator.memory)
    operator.lags = True
    cluster.pods["xrpusdt-leader"]["metadata"]["uid"] = "another"

    assert await operator.reconcile(KEY) == CONFLICT_RETRY_SECONDS
    assert cluster.writes == []

    await operator.reconcile(KEY)
    assert cluster.reads == ["pod", "resource"], "what was wrong is read afresh"
    assert cluster.writes == ["delete"]


@pytest.mark.parametrize("reported", ["shutdown", "off"])
async def test_an_end_that_is_told_before_what_the_leader_wrote_starts_no_leader(
    cluster: FakeCluster, operator: Operator, reported: str
) -> None:
    """The watches have no common order: an old shutdown meets the end that came after it.

    A leader with nothing to do may end before anything was reported of it.
    """
    await running(cluster, operator)
    cluster.switch("xrpusdt", "shutdown")
    await operator.reconcile(KEY)
    cluster.writes.clear()
    before: Any = operator.memory.resources.find(*KEY)
    before["status"]["requested"] = reported
    drain(cluster)
    cluster.tell_all(operator.memory)
    operator.lags = True
    forget(operator, before)

    await operator.reconcile(KEY)
    assert cluster.reads == ["pod", "resource"]
    assert cluster.writes == ["delete"]
    await operator.reconcile(KEY)

    assert cluster.pods == {}
    assert condition(cluster) == ("True", "Stopped")


async def test_a_pod_that_is_gone_before_its_leaders_off_is_told_starts_no_leader(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "shutdown")
    await operator.reconcile(KEY)
    before = operator.memory.resources.find(*KEY)
    drain(cluster)
    cluster.pods.clear()
    cluster.tell_all(operator.memory)
    operator.lags = True
    forget(operator, before)
    cluster.writes.clear()

    await operator.reconcile(KEY)

    assert cluster.writes == ["status"]
    assert condition(cluster) == ("True", "Stopped")


def forget(operator: Operator, before: Any) -> None:
    """Have the memory hold an earlier version of the resource, as if no later one was told."""
    fresh = Memory(relevant)
    fresh.resources.put(before)
    fresh.resources.compare(KEY.namespace, {KEY.name}, 0)
    operator.memory.resources = fresh.resources


async def test_before_all_was_listed_nothing_is_done(
    cluster: FakeCluster, operator: Operator
) -> None:
    """A pod that no watch has shown yet is not taken for none."""
    cluster.tell_all(operator.memory)

    assert await Reconciler.reconcile(operator, KEY) is None
    assert (cluster.writes, cluster.reads) == ([], [])

    assert await operator.survey("trading") == {KEY}
    await Reconciler.reconcile(operator, KEY)
    assert cluster.writes == ["create"]


async def test_a_pod_that_the_memory_lacks_is_not_created_twice(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    operator.lags = True
    uid = cluster.pods["xrpusdt-leader"]["metadata"]["uid"]
    operator.memory.pods = Memory().pods
    operator.memory.pods.compare("trading", set(), 0)
    cluster.switch("xrpusdt", "off")
    cluster.symbols["xrpusdt"]["status"]["requested"] = "off"
    cluster.switch("xrpusdt", "on")
    operator.memory.resources.put(await cluster.resource(*KEY) or {})

    assert await operator.reconcile(KEY) == CONFLICT_RETRY_SECONDS
    await operator.reconcile(KEY)

    assert "create" not in cluster.writes
    assert cluster.pods["xrpusdt-leader"]["metadata"]["uid"] == uid
    assert condition(cluster) == ("True", "LeaderReady")


async def test_an_event_that_comes_late_changes_nothing(
    cluster: FakeCluster, operator: Operator
) -> None:
    """What the operator wrote itself it knows at once."""
    await running(cluster, operator)
    old_pod = operator.memory.pods.find("trading", "xrpusdt-leader") or {}
    old = operator.memory.resources.find(*KEY) or {}
    cluster.switch("xrpusdt", "off")
    await operator.reconcile(KEY)
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)
    assert condition(cluster) == ("True", "Stopped")
    operator.lags = True
    cluster.writes.clear()
    operator.memory.pods.put(old_pod)
    operator.memory.resources.put(old)

    await operator.reconcile(KEY)
    assert (cluster.writes, cluster.reads) == ([], [])


async def test_deletions_between_two_lists_are_found_and_told(
    cluster: FakeCluster, operator: Operator
) -> None:
    """A watch that begins anew shows what is there, and not what went meanwhile."""
    for name in ("ada", "bnb"):
        cluster.create_symbol(name)
    await lead(operator, cluster, ["ada", "bnb", "xrpusdt"])
    cluster.symbols["ada"]["status"]["openOrders"] = 2
    cluster.tell_all(operator.memory)
    operator.lags = True
    del cluster.symbols["ada"], cluster.pods["ada-leader"], cluster.pods["bnb-leader"]

    assert await operator.survey("trading") == {Key("trading", "bnb")}
    assert operator.memory.symbols("trading") == {"bnb", "xrpusdt"}
    (told,) = [event for event in cluster.events.values() if event.reason == "OrdersRest"]
    assert "2 orders rest" in told.note

    cluster.writes.clear()
    await operator.reconcile(Key("trading", "bnb"))
    assert cluster.writes == ["create"]


async def test_a_write_whose_answer_is_lost_is_looked_up(
    cluster: FakeCluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = cluster.create_pod

    async def then_lost(pod: Any) -> Any:
        await create(pod)
        raise UnavailableError("no answer")

    monkeypatch.setattr(cluster, "create_pod", then_lost)
    await operator.survey("trading")
    operator.lags = True
    cluster.tell_all(operator.memory)
    with pytest.raises(UnavailableError):
        await operator.reconcile(KEY)

    await operator.reconcile(KEY)
    assert cluster.reads == ["pod", "resource"]
    assert cluster.writes == ["create", "status"]


async def test_a_report_waits_for_pods_and_for_its_time(cluster: FakeCluster) -> None:
    """Most of what is unsettled has passed before a report of it is due."""
    operator = operator_of(cluster, pace_s=1.0)
    assert await operator.reconcile(KEY, urgent=True) == 1.0
    cluster.now += timedelta(seconds=0.5)
    assert await operator.reconcile(KEY) == 0.5
    assert cluster.writes == ["create"]

    cluster.run("xrpusdt")
    assert await operator.reconcile(KEY, urgent=True) == 0
    assert cluster.writes == ["create"], "other pods come first"
    assert await operator.reconcile(KEY) is None
    assert cluster.writes == ["create", "status"]
    assert condition(cluster) == ("True", "LeaderReady")

    cluster.switch("xrpusdt", "off")
    await operator.reconcile(KEY)
    cluster.finish("xrpusdt")
    cluster.now += timedelta(seconds=0.25)
    assert await operator.reconcile(KEY) == 0.75, "one report a second"
    cluster.now += timedelta(seconds=0.75)
    await operator.reconcile(KEY)
    assert cluster.writes == ["create", "status", "delete", "status"]
    assert condition(cluster) == ("True", "Stopped")
    assert cluster.reads == []


async def test_a_leader_that_reports_at_the_same_time_loses_nothing(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "off")
    await operator.reconcile(KEY)
    cluster.finish("xrpusdt")
    cluster.tell_all(operator.memory)
    operator.lags = True
    cluster.symbols["xrpusdt"]["status"]["profit"] = "7"

    assert await operator.reconcile(KEY) == CONFLICT_RETRY_SECONDS
    await operator.reconcile(KEY)

    status = cluster.symbols["xrpusdt"]["status"]
    assert status["profit"] == "7"
    assert "traders" not in status


async def test_a_resource_that_goes_meanwhile_takes_its_status_along(
    cluster: FakeCluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(patch: object) -> None:
        raise NotFoundError(str(patch))

    await operator.reconcile(KEY)
    monkeypatch.setattr(cluster, "write_status", gone)

    assert await operator.reconcile(KEY) is None
    assert operator.memory.resources.find(*KEY) is None


@pytest.mark.parametrize("refusal", [RefusedError("quota exceeded"), NotFoundError("namespace")])
async def test_a_refused_pod_is_told_and_tried_again(
    cluster: FakeCluster, operator: Operator, refusal: Exception
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
    cluster: FakeCluster, operator: Operator
) -> None:
    cluster.refusal = UnavailableError("away")

    with pytest.raises(UnavailableError):
        await operator.reconcile(KEY)


async def test_a_resource_that_never_was_is_nothing(operator: Operator) -> None:
    assert await operator.reconcile(Key("trading", "absent")) is None


async def test_a_leader_without_a_resource_ends(cluster: FakeCluster, operator: Operator) -> None:
    await running(cluster, operator)
    del cluster.symbols["xrpusdt"]

    assert await operator.survey("trading") == {KEY}
    await operator.reconcile(KEY)
    assert cluster.writes == ["delete"]


async def test_a_new_resource_does_not_inherit_the_pod_of_the_old_one(
    cluster: FakeCluster, operator: Operator
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
    cluster: FakeCluster, operator: Operator
) -> None:
    cluster.pods["xrpusdt-leader"] = foreign_pod()

    assert await operator.reconcile(KEY) == CONFLICT_RETRY_SECONDS
    assert await operator.reconcile(KEY) == RECHECK_SECONDS

    assert cluster.writes == ["status"]
    assert condition(cluster, "Stalled") == ("True", "ForeignPod")


async def test_failures_in_a_row_wait_ever_longer(cluster: FakeCluster, operator: Operator) -> None:
    await running(cluster, operator)

    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)
    assert "xrpusdt-leader" in cluster.pods
    cluster.run("xrpusdt")
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)
    assert "xrpusdt-leader" not in cluster.pods
    assert await operator.reconcile(KEY) == 10

    cluster.now += timedelta(seconds=4)
    assert await operator.reconcile(KEY) == 6
    assert condition(cluster) == ("False", "BackingOff")
    cluster.now += timedelta(seconds=6)
    await operator.reconcile(KEY)
    assert "xrpusdt-leader" in cluster.pods
    assert reasons(cluster) == ["LeaderStarted", "LeaderReplaced", "LeaderReplaced"]


async def test_a_report_that_waits_keeps_no_pod_from_being_created(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    for _ in range(2):
        cluster.finish("xrpusdt", "Failed")
        await operator.reconcile(KEY)
    for number in range(600):
        operator._pace.acted(Key("trading", f"other-{number}"), cluster.now)

    cluster.now += timedelta(seconds=4)
    assert await operator.reconcile(KEY) == 6


async def test_a_resource_that_is_gone_leaves_no_memory(
    cluster: FakeCluster, operator: Operator
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
    cluster: FakeCluster, operator: Operator
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

    assert cluster.writes == ["fence", "force", "status", "create"]
    assert reasons(cluster)[-1] == "NodeLost"


async def lose(cluster: FakeCluster, operator: Operator) -> str:
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
    cluster: FakeCluster, operator: Operator
) -> None:
    """An operator that starts has not seen the deletion: the look says when to look again."""
    await running(cluster, operator)
    await cluster.delete_pod(*KEY, cluster.pods["xrpusdt-leader"]["metadata"]["uid"], force=False)
    await operator.reconcile(KEY)

    assert await operator.survey("trading") == {KEY}
    assert (await operator.reconcile(KEY) or 0) > 0


async def test_an_overdue_pod_on_a_healthy_node_is_waited_for(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    await cluster.delete_pod(*KEY, cluster.pods["xrpusdt-leader"]["metadata"]["uid"], force=False)
    cluster.now += timedelta(minutes=5)
    cluster.writes.clear()

    await operator.reconcile(KEY)

    assert "force" not in cluster.writes
    assert await operator.survey("trading") == {KEY}


async def test_an_invalid_resource_can_still_be_switched_off(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.change("xrpusdt", budget="nothing")

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
    cluster: FakeCluster, operator: Operator, status: object
) -> None:
    cluster.symbols["xrpusdt"]["spec"]["status"] = status

    await operator.reconcile(KEY)

    assert cluster.pods == {}
    assert cluster.symbols["xrpusdt"]["status"]["requested"] == "off"


async def test_a_resource_on_its_way_gets_no_pod(cluster: FakeCluster, operator: Operator) -> None:
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
    lambda c: c.finish_beside_a_sidecar("xrpusdt", '{"cause": "fenced"}') if leads(c) else None,
    lambda c: drain(c) if leads(c) else None,
    lambda c: drain(c, sidecar=True) if leads(c) else None,
    lambda c: c.end_fences("xrpusdt"),
    lambda c: c.end_fences("xrpusdt", "Failed"),
    lambda c: c.pods.pop("xrpusdt-leader", None),
    lambda c: c.nodes.clear(),
    lambda c: c.nodes.update({"node-1": node()}),
    lambda c: setattr(c, "now", c.now + timedelta(minutes=1)),
]


def leads(cluster: FakeCluster) -> bool:
    return "xrpusdt-leader" in cluster.pods


def drain(cluster: FakeCluster, *, sidecar: bool = False) -> None:
    """End a shutdown as a leader does: off first, then its own end."""
    if cluster.symbols and cluster.symbols["xrpusdt"]["spec"]["status"] == "shutdown":
        cluster.switch("xrpusdt", "off")
        if sidecar:
            cluster.finish_beside_a_sidecar("xrpusdt", '{"cause": "drained"}')
        else:
            cluster.finish("xrpusdt", "Succeeded", '{"cause": "drained"}')


def said_to_be_stopped(cluster: FakeCluster) -> bool:
    symbol = cluster.symbols.get("xrpusdt", {})
    status = symbol.get("status", {})
    current = status.get("observedGeneration") == symbol.get("metadata", {}).get("generation")
    return current and "conditions" in status and condition(cluster) == ("True", "Stopped")


async def settle(cluster: FakeCluster, operator: Operator) -> None:
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


async def led(cluster: FakeCluster) -> Operator:
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
    assert not [event for event in careful.events.values() if event.reason == "OrdersRest"]


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
            careful.change("xrpusdt", deletionPolicy="Stop")
        else:
            careful.annotate("xrpusdt", ANNOTATION_ABANDON, "true")
        await operator.reconcile(KEY)
        assert careful.symbols == {}
    assert "delete" in careful.writes
    (event,) = [event for event in careful.events.values() if event.reason == "OrdersRest"]
    assert "2 orders rest on the exchange and stay on record" in event.note


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


async def test_a_namespace_that_is_deleted_is_not_held_up(careful: FakeCluster) -> None:
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    careful.ending = True
    await operator.reconcile(KEY)

    assert careful.symbols == {}
    assert "OrdersRest" in reasons(careful)


async def test_a_namespace_whose_end_was_missed_is_not_held_up(careful: FakeCluster) -> None:
    """Only a look reads the namespace."""
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    await operator.reconcile(KEY)
    careful.ending = True

    assert await operator.survey("trading") == {KEY}
    await operator.reconcile(KEY)
    assert careful.symbols == {}


async def test_a_namespace_that_lost_its_roles_is_not_held_up(careful: FakeCluster) -> None:
    """They go before the resources that the finalizer keeps."""
    operator = await led(careful)
    careful.delete_symbol("xrpusdt")
    careful.ending, careful.roles = True, False
    await operator.reconcile(KEY)

    assert careful.symbols == {}


async def test_a_pod_that_may_not_be_read_is_not_taken_for_none(careful: FakeCluster) -> None:
    operator = await led(careful)
    careful.finish("xrpusdt")
    careful.roles = False
    careful.writes.clear()

    with pytest.raises(RefusedError):
        await operator.reconcile(KEY)
    assert careful.writes == []


async def test_a_status_that_others_own_is_given_back_before_it_is_written(
    cluster: FakeCluster, operator: Operator
) -> None:
    """What is not the operator's own it could not withdraw."""
    await running(cluster, operator)
    entry = {"manager": "before-first-apply", "fieldsV1": {"f:status": {"f:requested": {}}}}
    cluster.symbols["xrpusdt"]["metadata"]["managedFields"] = [entry]
    assert await operator.survey("trading") == {KEY}
    cluster.switch("xrpusdt", "off")
    for _ in range(3):
        await operator.reconcile(KEY)

    assert cluster.writes == ["delete", "owners", "status"]
    owners = cluster.symbols["xrpusdt"]["metadata"]["managedFields"]
    assert [owner["manager"] for owner in owners] == ["symbol-operator", "symbol-trader"]


async def test_a_symbol_that_may_go_at_once_has_no_finalizer(
    cluster: FakeCluster, operator: Operator
) -> None:
    await operator.reconcile(KEY)
    assert "finalizers" not in cluster.symbols["xrpusdt"]["metadata"]

    cluster.change("xrpusdt", deletionPolicy="Drain")
    await operator.reconcile(KEY)
    assert cluster.symbols["xrpusdt"]["metadata"]["finalizers"] == [FINALIZER]

    cluster.change("xrpusdt", deletionPolicy="Stop")
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
    operator.report_deleted(went)

    assert [told in event.note for event in cluster.events.values() if told] == [True] * bool(told)
    assert len(cluster.events) == bool(told)


async def test_leaders_are_updated_a_few_at_a_time_and_a_bad_image_stops_there(
    cluster: FakeCluster,
) -> None:
    """Each takes its turn; one that does not get ready keeps the others on what works."""
    names = ["ada", "bnb", "xrpusdt"]
    before = await lead_all(cluster, names)

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
    assert all("is being replaced" in note for note in replaced), "told once, and why"


@pytest.mark.parametrize("restarts_when", ["terminating", "created"])
async def test_a_restart_takes_no_more_leaders_down_for_a_bad_image(
    cluster: FakeCluster, restarts_when: str
) -> None:
    """Whose turn it is follows from the cluster, not from what an operator remembers."""
    names = ["ada", "bnb", "xrpusdt"]
    before = await lead_all(cluster, names)
    bad = SETTINGS.model_copy(
        update={"leader": LeaderSettings(image="symbol-trader:bad"), "updates_at_once": 1}
    )
    operator = operator_of(cluster, bad)
    await look_at(operator, names)
    if restarts_when == "created":
        del cluster.pods["ada-leader"]
        await look_at(operator, names)
    assert updated(cluster, before) == {"ada"}

    for _ in range(3):
        operator = operator_of(cluster, bad)
        await look_at(operator, names[::-1])
        assert updated(cluster, before) == {"ada"}
    cluster.pods.pop("ada-leader") if restarts_when == "terminating" else None
    await look_at(operator, names)

    cluster.run("ada")
    await look_at(operator, names)
    assert updated(cluster, before) == {"ada", "bnb"}, "the next one once it is ready"


async def test_the_repair_of_a_bad_image_needs_no_turn_and_keeps_it(cluster: FakeCluster) -> None:
    """What does not trade loses nothing; it is still the one that is updated."""
    names = ["ada", "xrpusdt"]
    before = await lead_all(cluster, names)
    for image in ("symbol-trader:bad", "symbol-trader:good"):
        leader = LeaderSettings(image=image)
        newer = SETTINGS.model_copy(update={"leader": leader, "updates_at_once": 1})
        operator = operator_of(cluster, newer)
        await look_at(operator, names)
        cluster.pods.pop("ada-leader", None)
        await look_at(operator, names)
    assert updated(cluster, before) == {"ada"}
    cluster.run("ada")
    await look_at(operator, names)
    assert updated(cluster, before) == set(names)


async def test_no_leader_is_updated_before_all_turns_that_are_taken_are_known(
    cluster: FakeCluster,
) -> None:
    """One of another namespace may be on its way."""
    await running(cluster, operator_of(cluster))
    operator = operator_of(cluster, NEWER_IN_TWO)
    await operator.reconcile(KEY)
    assert "deletionTimestamp" not in cluster.pods["xrpusdt-leader"]["metadata"]

    operator._slots.learned("second")
    await operator.reconcile(KEY)
    assert "deletionTimestamp" in cluster.pods["xrpusdt-leader"]["metadata"]


async def test_one_that_stands_by_does_and_tells_nothing(cluster: FakeCluster) -> None:
    operator = operator_of(cluster)
    operator.elected = False
    await operator.reconcile(KEY)
    assert await operator.survey("trading") == {KEY}, "it knows what is to be done"
    operator.report_deleted(
        {"metadata": {"namespace": "trading", "name": "x"}, "status": {"openOrders": 2}}
    )
    assert cluster.writes == []
    assert cluster.events == {}

    operator.elected = True
    await operator.reconcile(KEY)
    assert cluster.writes


@pytest.mark.parametrize("asked", ["on", "off", "deleted", "shutdown"])
async def test_a_lease_that_is_lost_in_the_middle_of_a_look_ends_it(asked: str) -> None:
    """Before whichever write it is; the next operator gets to the same end."""
    writes, operator = 0, None
    while operator is None or not operator.elected:
        cluster = FakeCluster()
        cluster.create_symbol("xrpusdt", "off" if asked == "on" else "on")
        await settle(cluster, operator_of(cluster))
        cluster.delete_symbol("xrpusdt") if asked == "deleted" else cluster.switch("xrpusdt", asked)
        cluster.writes.clear()
        operator = operator_of(cluster)
        operator.writes_left = writes
        with contextlib.suppress(NotActingError):
            await settle(cluster, operator)
        assert operator.elected or len(cluster.writes) == writes
        following = operator_of(cluster)
        await settle(cluster, following)
        assert ends_as(cluster) == (asked not in {"off", "deleted"})
        writes += 1
    assert writes > 1


def ends_as(cluster: FakeCluster) -> bool:
    """Return whether there is a leader pod, and the status says that there is, or is none."""
    there = "xrpusdt-leader" in cluster.pods
    if found := cluster.symbols.get("xrpusdt"):
        assert ("leader" in found["status"]) is there
    return there


async def lead_all(cluster: FakeCluster, names: list[str]) -> dict[str, str]:
    """Have symbols of these names whose leaders are ready; return the uids of their pods."""
    for name in names:
        if name not in cluster.symbols:
            cluster.create_symbol(name)
    await lead(operator_of(cluster), cluster, names)
    return {name: cluster.pods[f"{name}-leader"]["metadata"]["uid"] for name in names}


async def lead(operator: Operator, cluster: FakeCluster, names: list[str]) -> None:
    await look_at(operator, names)
    for name in names:
        cluster.run(name)
    await look_at(operator, names)


async def look_at(operator: Operator, names: list[str]) -> None:
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


LEAVING = SETTINGS.model_copy(update={"namespaces": (), "leaving_namespaces": ("trading",)})
POLICY = {"deletionPolicy": "Drain"}


@pytest.mark.parametrize("asked", ["on", "shutdown"])
async def test_a_namespace_that_is_left_is_emptied_first(asked: str) -> None:
    """Whatever is asked for: once the rights are gone, nobody would end its leaders."""
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt", asked, **POLICY)
    await running(cluster, operator_of(cluster))
    assert cluster.symbols["xrpusdt"]["metadata"]["finalizers"] == [FINALIZER]

    operator = operator_of(cluster, LEAVING)
    assert await operator.survey("trading") == {KEY}
    await operator.reconcile(KEY)
    assert "deletionTimestamp" in cluster.pods["xrpusdt-leader"]["metadata"]
    await operator.reconcile(KEY)
    assert condition(cluster) == ("False", "Stopping")
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)

    assert cluster.pods == {}
    assert cluster.symbols["xrpusdt"]["metadata"]["finalizers"] == []
    assert condition(cluster) == ("False", "NamespaceLeaving")
    assert condition(cluster, "Stalled") == ("True", "NamespaceLeaving")
    assert cluster.symbols["xrpusdt"]["status"]["requested"] == asked
    notes = {str(event.reason): event.note for event in cluster.events.values()}
    assert notes["LeaderStopped"].endswith("the operator is leaving the namespace")
    assert await operator.survey("trading") == set()


async def test_what_is_off_in_a_namespace_that_is_left_is_as_asked() -> None:
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt", "off")

    await operator_of(cluster, LEAVING).reconcile(KEY)

    assert condition(cluster) == ("True", "Stopped")


async def test_a_deletion_that_waits_for_its_leader_is_finished_before_the_namespace_is_left() -> (
    None
):
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt", **POLICY)
    await running(cluster, operator_of(cluster))
    cluster.delete_symbol("xrpusdt")

    operator = operator_of(cluster, LEAVING)
    await operator.reconcile(KEY)
    assert "deletionTimestamp" not in cluster.pods["xrpusdt-leader"]["metadata"]
    cluster.finish("xrpusdt", "Succeeded", '{"cause": "drained"}')
    await operator.reconcile(KEY)

    assert cluster.symbols == {}


async def test_a_namespace_that_comes_back_onto_the_list_goes_on() -> None:
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt", **POLICY)
    await operator_of(cluster, LEAVING).reconcile(KEY)
    assert cluster.pods == {}

    await operator_of(cluster).reconcile(KEY)

    assert cluster.symbols["xrpusdt"]["metadata"]["finalizers"] == [FINALIZER]
    assert "xrpusdt-leader" in cluster.pods


async def test_how_far_a_namespace_is_left_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "symbol_operator.runtime.reconcile")
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt", **POLICY)
    await running(cluster, operator_of(cluster))
    operator = operator_of(cluster, LEAVING)
    for _ in range(2):
        await operator.survey("trading")
    await operator.reconcile(KEY)
    cluster.finish("xrpusdt")
    for _ in range(2):
        await operator.survey("trading")

    said = [record.message for record in caplog.records if "Namespace" in record.message]
    assert said == [
        "Namespace trading is being left: 1 leader pods, 1 resources with our finalizer",
        "Namespace trading holds nothing of ours any more: take it off leavingNamespaces",
    ]


async def test_a_namespace_that_is_not_served_hands_its_turn_on(cluster: FakeCluster) -> None:
    """Otherwise no leader of any other would be updated as long as it lasts."""
    one = SETTINGS.model_copy(update={"updates_at_once": 1})
    newer = one.model_copy(update={"leader": LeaderSettings(image="symbol-trader:2")})
    await running(cluster, operator_of(cluster, one))
    operator = operator_of(cluster, newer)
    operator._slots.take(Key("island", "xrpusdt"))
    await operator.reconcile(KEY)
    assert "deletionTimestamp" not in cluster.pods["xrpusdt-leader"]["metadata"]

    operator.free_slots("island")
    assert KEY in cluster.called_again
    await operator.reconcile(KEY)

    assert "deletionTimestamp" in cluster.pods["xrpusdt-leader"]["metadata"]


class Fails:
    """Stands for an error of the operator at one symbol."""

    def __init__(self, whose: str) -> None:
        self._whose = whose

    def __call__(self, view: View, *_: object, **__: object) -> Decision:
        if view.resource and view.resource["metadata"]["name"] != self._whose:
            return decide(view, *_, **__)  # type: ignore[arg-type]  # passed on as they come
        raise RecursionError("too deep")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the operator fail at one symbol, whatever it is asked."""
    monkeypatch.setattr(reconcile, "decide", Fails("xrpusdt"))


async def failed(operator: Operator) -> None:
    with pytest.raises(RecursionError):
        await operator.reconcile(KEY)


async def test_an_error_at_a_symbol_is_told_in_its_condition_once(
    cluster: FakeCluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(cluster, operator)
    with monkeypatch.context() as broken:
        broken.setattr(reconcile, "decide", Fails("xrpusdt"))
        for _ in range(2):
            await failed(operator)
            cluster.now += timedelta(minutes=1)

    assert cluster.writes == ["status"]
    assert condition(cluster) == ("False", "InternalError")
    assert condition(cluster, "Stalled") == ("True", "InternalError")
    status = cluster.symbols["xrpusdt"]["status"]
    assert status["leader"]["pod"] == "xrpusdt-leader"
    assert status["traders"] == 2, "the leader's report is the leader's"
    await operator.reconcile(KEY)
    assert condition(cluster) == ("True", "LeaderReady")


async def test_a_symbol_that_the_operator_fails_at_can_be_switched_off(
    cluster: FakeCluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(cluster, operator)
    monkeypatch.setattr(reconcile, "decide", Fails("xrpusdt"))
    await failed(operator)
    assert "delete" not in cluster.writes
    cluster.switch("xrpusdt", "off")

    for _ in range(2):
        await failed(operator)

    assert cluster.writes.count("delete") == 1
    assert "deletionTimestamp" in cluster.pods["xrpusdt-leader"]["metadata"]


async def test_a_foreign_pod_is_left_alone_whatever_fails(
    cluster: FakeCluster, operator: Operator, failing: None
) -> None:
    cluster.pods["xrpusdt-leader"] = foreign_pod()
    cluster.switch("xrpusdt", "off")

    await failed(operator)

    assert cluster.writes == ["status"]


async def test_a_resource_that_the_operator_fails_at_goes_where_nothing_keeps_it(
    careful: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await led(careful)
    monkeypatch.setattr(reconcile, "decide", Fails("xrpusdt"))
    careful.delete_symbol("xrpusdt")
    await failed(operator)
    assert careful.symbols, "its leader has not drained"

    careful.annotate("xrpusdt", ANNOTATION_ABANDON, "true")
    await failed(operator)
    assert careful.symbols == {}


async def test_a_survey_goes_on_past_a_symbol_that_the_operator_fails_at(
    cluster: FakeCluster, operator: Operator, failing: None
) -> None:
    cluster.create_symbol("ada")

    assert await operator.survey("trading") == {KEY, Key("trading", "ada")}


async def test_a_symbol_that_the_operator_fails_at_keeps_no_turn(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait for it."""
    cluster.create_symbol("ada")
    operator = operator_of(cluster)
    await operator.survey("trading")
    operator._slots.take(KEY)
    operator._slots.wait(Key("trading", "ada"))
    monkeypatch.setattr(reconcile, "decide", Fails("xrpusdt"))

    await failed(operator)

    assert cluster.called_again == [Key("trading", "ada")]


async def test_an_api_server_that_is_away_is_no_error_at_a_symbol(
    cluster: FakeCluster, operator: Operator
) -> None:
    cluster.refusal = UnavailableError("503")

    with pytest.raises(UnavailableError):
        await operator.reconcile(KEY)

    assert cluster.writes == []


async def test_a_sidecar_does_not_keep_a_drained_symbol_from_stopping(
    cluster: FakeCluster, operator: Operator
) -> None:
    await running(cluster, operator)
    cluster.switch("xrpusdt", "shutdown")
    await operator.reconcile(KEY)

    drain(cluster, sidecar=True)
    await operator.reconcile(KEY)
    assert "deletionTimestamp" in cluster.pods["xrpusdt-leader"]["metadata"]
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)

    assert condition(cluster) == ("True", "Stopped")
    (told,) = [event for event in cluster.events.values() if event.reason == "LeaderStopped"]
    assert told.note == "Deleted pod xrpusdt-leader: the shutdown is done"


async def test_a_sidecar_does_not_keep_a_resource_that_is_deleted(careful: FakeCluster) -> None:
    operator = operator_of(careful)
    await running(careful, operator)
    careful.delete_symbol("xrpusdt")
    await operator.reconcile(KEY)
    assert careful.symbols

    careful.finish_beside_a_sidecar("xrpusdt", '{"cause": "drained"}')
    await operator.reconcile(KEY)

    assert careful.symbols == {}


async def test_a_leader_that_ended_beside_a_sidecar_is_replaced_once_its_pod_is_gone(
    cluster: FakeCluster, operator: Operator
) -> None:
    """Its name is taken until then: nothing is created in vain."""
    await running(cluster, operator)

    cluster.finish_beside_a_sidecar("xrpusdt", '{"cause": "fenced"}')
    for _ in range(3):
        await operator.reconcile(KEY)
    assert [write for write in cluster.writes if write != "status"] == ["delete"]
    cluster.finish("xrpusdt")
    await operator.reconcile(KEY)

    assert [write for write in cluster.writes if write != "status"] == ["delete", "create"]
