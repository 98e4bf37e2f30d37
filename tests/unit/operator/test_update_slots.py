"""Slots for updates: none is blocked, leaked, or forgotten at a handover."""

from symbol_operator.runtime.health import Watches
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.namespaces import COMPARISON, NEEDED, PODS, Namespaces
from symbol_operator.settings import LeaderSettings
from tradingsymbol_api.names import PLURAL
from unit.operator.fake_cluster import FakeCluster
from unit.operator.test_reconcile import SETTINGS, Operator, lead_all, look_at, operator_of, updated

ADA, BNB, XRP = (Key("trading", name) for name in ("ada", "bnb", "xrpusdt"))
NAMES = ["ada", "bnb", "xrpusdt"]
NEWER = SETTINGS.model_copy(
    update={"leader": LeaderSettings(image="symbol-trader:2"), "updates_at_once": 1}
)


async def three() -> tuple[FakeCluster, dict[str, str]]:
    cluster = FakeCluster()
    return cluster, await lead_all(cluster, NAMES)


async def follow(operator: Operator, cluster: FakeCluster) -> None:
    """Look at what the comparison finds, as runtime does after it is elected, and no more."""
    for key in sorted(await operator.survey("trading")):
        await operator.reconcile(key)


async def test_a_leader_that_was_never_ready_keeps_no_other_from_being_updated() -> None:
    """It has its own reason (a Secret, a delisted symbol), which no image puts right."""
    cluster, before = await three()
    cluster.pods["ada-leader"]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    operator = operator_of(cluster, NEWER)
    await look_at(operator, NAMES)
    cluster.pods.pop("ada-leader", None)
    await look_at(operator, NAMES)  # ada has its new pod, and is as far as ever: not ready
    for _ in range(5):
        for name in NAMES[1:]:
            if "deletionTimestamp" in cluster.pods.get(f"{name}-leader", {}).get("metadata", {}):
                del cluster.pods[f"{name}-leader"]
                await look_at(operator, [name])
                cluster.run(name)
            await look_at(operator, [name])
    assert updated(cluster, before) == set(NAMES)


async def test_after_a_handover_who_waits_for_a_turn_is_told_when_it_comes() -> None:
    cluster, _ = await three()
    former = operator_of(cluster, NEWER)
    await look_at(former, NAMES)
    del cluster.pods["ada-leader"]
    await look_at(former, NAMES)  # all is said; ada has its new pod, which is not ready yet
    cluster.called_again.clear()

    operator = operator_of(cluster, NEWER)
    operator._begun = True
    await follow(operator, cluster)
    cluster.run("ada")
    await operator.reconcile(ADA)  # the event of its pod
    assert not operator._slots.taken(ADA)
    assert set(cluster.called_again) & {BNB, XRP}, "until the next resync nobody is updated"


async def test_a_handover_after_the_old_pod_has_ended_takes_no_more_leaders_down() -> None:
    """The operator is killed amid an update; the pod ends before another one is elected (14 s)."""
    cluster, before = await three()
    former = operator_of(cluster, NEWER)
    await look_at(former, NAMES)
    assert updated(cluster, before) == {"ada"}
    del cluster.pods["ada-leader"]

    operator = operator_of(cluster, NEWER)
    await look_at(operator, NAMES)
    assert updated(cluster, before) == {"ada"}, "two leaders are down where one may be"


async def test_a_resource_whose_end_no_event_tells_takes_no_turn_along() -> None:
    cluster, _ = await three()
    operator = operator_of(cluster, NEWER)
    await look_at(operator, NAMES)
    assert operator._slots.taken(ADA)
    # Deleted with its pod between two watches; kopf tells of neither.
    del cluster.pods["ada-leader"], cluster.symbols["ada"]
    cluster.called_again.clear()
    for _ in range(3):
        for key in await operator.survey("trading"):
            await Operator.__mro__[1].reconcile(operator, key)  # type: ignore[attr-defined]  # the class that it extends
    assert not operator._slots.taken(ADA)


async def test_one_that_is_deposed_while_it_serves_nothing_forgets_its_turns() -> None:
    """A watch is away (kopf waits up to 15 s), lists are answered, and then the Lease is lost."""
    cluster, _ = await three()
    operator = operator_of(cluster, NEWER)
    operator._begun = True
    watches = Watches(NEEDED, ["trading"])
    namespaces = Namespaces(
        ["trading"],
        watches,
        Metrics(),
        lambda name, served: None if served else operator.free_slots(name),
    )
    namespaces.acting(True, "")
    namespaces.claimed("trading", True, "")
    namespaces.stood(PLURAL, "trading")
    namespaces.fell(PODS, "trading", "the API server does not answer")
    await follow(operator, cluster)
    namespaces.stood(COMPARISON, "trading")
    assert operator._slots.taken(ADA)

    operator.elected = False
    namespaces.acting(False, "second acts")
    # Another replica finishes ada's update, and is lost.
    del cluster.pods["ada-leader"]
    other = operator_of(cluster, NEWER)
    await other.reconcile(ADA)
    cluster.run("ada")
    await other.reconcile(ADA)

    operator.elected = True
    namespaces.acting(True, "")
    namespaces.stood(PODS, "trading")
    namespaces.claimed("trading", True, "")
    found = await operator.survey("trading")
    assert found & {BNB, XRP}, "a slot of its earlier election keeps all others from theirs"


async def test_one_elected_anew_looks_at_what_waits_for_its_time() -> None:
    """An event while it stood by took the timer; nothing is to be done yet when it is elected."""
    cluster = FakeCluster()
    cluster.create_symbol("ada")
    operator = operator_of(cluster)
    await look_at(operator, ["ada"])
    wait = None
    for _ in range(2):
        cluster.finish("ada")
        for _ in range(4):
            wait = await operator.reconcile(ADA)
    assert operator._backoff(ADA).not_before is not None
    assert wait is not None, "a timer runs to the next replacement"
    operator.elected = False
    assert await operator.reconcile(ADA) is None  # an event: WorkQueue.add drops the timer
    operator.elected = True
    assert await operator.survey("trading") == {ADA}, "else it waits for the next resync"


async def test_a_leader_that_was_updated_long_ago_takes_no_turn_at_a_restart() -> None:
    """Its annotation stays. That it is not ready now is no matter of an update."""
    cluster, before = await three()
    operator = operator_of(cluster, NEWER)
    for name in NAMES:  # all are updated, one by one, and ready
        await look_at(operator, [name])
        del cluster.pods[f"{name}-leader"]
        await look_at(operator, [name])
        cluster.run(name)
        await look_at(operator, [name])
    assert updated(cluster, before) == set(NAMES)
    before = {n: cluster.pods[f"{n}-leader"]["metadata"]["uid"] for n in NAMES}

    for name in NAMES:
        cluster.symbols[name]["status"]["epoch"] = 1
    # Weeks later the key of one is revoked, and the operator is configured anew for another.
    cluster.pods["ada-leader"]["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    cluster.pods["bnb-leader"]["metadata"]["annotations"]["tradingsymbol.dev/template-hash"] = "old"
    operator = operator_of(cluster, NEWER)
    for _ in range(3):
        await look_at(operator, NAMES)
    assert updated(cluster, before) == {"bnb"}
