"""Off, or gone, while the leader's node is lost: true once nobody can place its orders any more."""

import contextlib
from typing import Any

import pytest

from symbol_operator.runtime.acting import REFUSED_RETRY_SECONDS
from symbol_operator.runtime.errors import NotFoundError, RefusedError, UnavailableError
from tradingsymbol_api.names import LABEL_FENCES
from unit.operator.fake_cluster import FakeCluster
from unit.operator.test_reconcile import (
    KEY,
    Operator,
    condition,
    lose,
    operator_of,
    reasons,
    running,
    said_to_be_stopped,
    settle,
)


@pytest.fixture
def cluster() -> FakeCluster:
    """Return a cluster with one symbol that is on."""
    cluster = FakeCluster()
    cluster.create_symbol("xrpusdt")
    return cluster


@pytest.fixture
def operator(cluster: FakeCluster) -> Operator:
    """Return an operator that has just started."""
    return operator_of(cluster)


def fences_of(cluster: FakeCluster) -> list[dict[str, Any]]:
    return [pod for name, pod in cluster.pods.items() if "-fence-" in name]


async def test_off_is_true_once_the_lost_leader_is_fenced(
    cluster: FakeCluster, operator: Operator
) -> None:
    uid = await lose(cluster, operator)
    cluster.switch("xrpusdt", "off")

    for _ in range(2):
        await operator.reconcile(KEY)
    assert cluster.writes == ["fence", "force", "status"]
    assert condition(cluster) == ("False", "Fencing")
    (fence,) = fences_of(cluster)
    assert fence["metadata"]["labels"][LABEL_FENCES] == uid
    assert fence["spec"]["containers"][0]["args"] == ["fence", "--release"]
    assert reasons(cluster) == ["NodeLost"]

    await operator.reconcile(KEY)
    assert condition(cluster) == ("False", "Fencing"), "as long as it takes"
    cluster.end_fences("xrpusdt")
    for _ in range(2):
        await operator.reconcile(KEY)
    assert cluster.pods == {}
    assert condition(cluster) == ("True", "Stopped")
    assert reasons(cluster) == ["NodeLost", "LeaderFenced"]


async def test_a_symbol_that_is_deleted_has_its_lost_leader_fenced_and_the_namespace_told(
    cluster: FakeCluster, operator: Operator
) -> None:
    await lose(cluster, operator)
    cluster.symbols.clear()

    await operator.reconcile(KEY)
    assert cluster.writes == ["fence", "force"]
    operator = operator_of(cluster)
    assert await operator.survey("trading") == {KEY}, "after a restart, too"
    cluster.end_fences("xrpusdt")
    await operator.reconcile(KEY)
    assert cluster.pods == {}
    notes = {str(event.reason): event.note for event in cluster.events.values()}
    assert notes.keys() == {"NodeLost", "LeaderFenced"}
    assert "pod xrpusdt-leader is given up, and may trade on" in notes["NodeLost"]
    assert await operator.survey("trading") == set()


async def test_off_before_the_next_leader_has_the_epoch_waits_for_the_fence(
    cluster: FakeCluster, operator: Operator
) -> None:
    """The lost one was given up while the symbol was on; its successor never got anywhere."""
    await lose(cluster, operator)
    await operator.reconcile(KEY)
    (fence,) = fences_of(cluster)
    assert fence["spec"]["containers"][0]["args"] == ["fence"], "the next one goes on with it"
    cluster.switch("xrpusdt", "off")
    await operator.reconcile(KEY)
    await operator.reconcile(KEY)

    assert "xrpusdt-leader" not in cluster.pods
    assert condition(cluster) == ("False", "Fencing")
    await operator_of(cluster).reconcile(KEY)
    assert condition(cluster) == ("False", "Fencing"), "an operator that has not surveyed asks"


@pytest.mark.parametrize("refusal", [RefusedError("quota exceeded"), NotFoundError("namespace")])
async def test_a_leader_that_cannot_be_fenced_is_not_given_up(
    cluster: FakeCluster, operator: Operator, refusal: Exception
) -> None:
    await lose(cluster, operator)
    cluster.switch("xrpusdt", "off")
    cluster.refusal = refusal

    assert await operator.reconcile(KEY) == REFUSED_RETRY_SECONDS
    assert "force" not in cluster.writes
    assert condition(cluster, "Stalled") == ("True", "CreateRefused")
    (ready,) = (
        c for c in cluster.symbols["xrpusdt"]["status"]["conditions"] if c["type"] == "Ready"
    )
    assert "pod xrpusdt-leader may trade on at node node-1" in ready["message"]
    assert str(refusal) in ready["message"]

    cluster.refusal = None
    for _ in range(2):
        await operator.reconcile(KEY)
    assert condition(cluster) == ("False", "Fencing")


async def test_a_deleted_symbols_leader_that_cannot_be_fenced_is_not_given_up(
    cluster: FakeCluster, operator: Operator
) -> None:
    await lose(cluster, operator)
    cluster.symbols.clear()
    cluster.refusal = RefusedError("quota exceeded")

    assert await operator.reconcile(KEY) == REFUSED_RETRY_SECONDS
    assert cluster.writes == []
    assert reasons(cluster) == ["CreateRefused"]


async def test_a_leader_that_is_wanted_is_replaced_though_its_fence_is_refused(
    cluster: FakeCluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota that is just enough for the leaders: the next one takes the epoch itself."""
    await lose(cluster, operator)
    create = cluster.create_pod

    async def refuse_fences(pod: Any) -> Any:
        if LABEL_FENCES in pod["metadata"]["labels"]:
            raise RefusedError("quota exceeded")
        return await create(pod)

    monkeypatch.setattr(cluster, "create_pod", refuse_fences)
    await operator.reconcile(KEY)
    assert cluster.writes == ["force", "status", "create"]


WRITES = ("create_pod", "delete_pod", "delete_fence", "write_status")


@pytest.mark.parametrize("desired", ["off", "deleted", "on, then off"])
@pytest.mark.parametrize("survived", range(8))
async def test_killed_after_each_write_no_operator_forgets_a_lost_leader(
    cluster: FakeCluster,
    operator: Operator,
    monkeypatch: pytest.MonkeyPatch,
    desired: str,
    survived: int,
) -> None:
    await lose(cluster, operator)
    written: list[str] = []

    def then_die(name: str) -> None:
        write = getattr(cluster, name)

        async def writing(*facts: Any, **named: Any) -> Any:
            answer = await write(*facts, **named)
            written.append(name)
            if len(written) == survived + 1:
                raise UnavailableError("killed")
            return answer

        monkeypatch.setattr(cluster, name, writing)

    for name in WRITES:
        then_die(name)
    if desired == "deleted":
        cluster.symbols.clear()
    for asked in ("on", "off") if desired == "on, then off" else ("off",):
        if cluster.symbols:
            cluster.switch("xrpusdt", asked)
        for _ in range(3):
            # It is another one each time, and has not looked at the whole yet.
            with contextlib.suppress(UnavailableError):
                await operator_of(cluster).reconcile(KEY)
            assert not (said_to_be_stopped(cluster) and cluster.at_large)
            assert fences_of(cluster) or not cluster.at_large
    with contextlib.suppress(UnavailableError):
        await settle(cluster, operator_of(cluster))
    await settle(cluster, operator_of(cluster))
    assert cluster.at_large == set()
    assert cluster.pods == {}


async def test_fences_are_looked_for_only_where_there_may_be_one(
    cluster: FakeCluster, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are rare, and each look would cost a request."""
    await running(cluster, operator)
    await operator.survey("trading")

    async def never(*_: str) -> None:
        pytest.fail("asked for fences")

    monkeypatch.setattr(cluster, "fences", never)
    cluster.switch("xrpusdt", "off")
    await operator.reconcile(KEY)
