"""Two operators: of one installation one acts, and two installations share no namespace."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.proxy import Faults, Proxy
from tradingsymbol_api.names import CLAIM_LEASE, ELECTION_LEASE

REPLACED_WITHIN_S = 15.0
DEPOSED_WITHIN_S = 9.5
"""Less than the operator waits for an answer."""
HANDED_OVER_WITHIN_S = 6.0
CLAIM_LAPSES_WITHIN_S = 80.0
LOOKS_S = 12.0
"""Two comparisons of everything, and more."""
RESYNC_S = 5


@pytest.fixture
def place(cluster: None) -> Iterator[Kubectl]:
    """Return kubectl in a namespace of its own."""
    kubectl = prepare_namespace(f"test-elects-{secrets.token_hex(3)}")
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    made.start()
    yield made
    made.stop()


Replica = Callable[..., OperatorProcess]


@pytest.fixture
def replica(stub_image: str, place: Kubectl, tmp_path: Path) -> Iterator[Replica]:
    """Return what makes a replica, by the name of its pod; and of which installation."""
    made: list[OperatorProcess] = []

    def make(pod: str, own: str = "") -> OperatorProcess:
        namespaces = [*filter(None, [own]), place.namespace]
        made.append(OperatorProcess(stub_image, namespaces, tmp_path, resync_s=RESYNC_S, pod=pod))
        return made[-1]

    yield make
    for process in made:
        process.kill()
        process.reap()
        assert "Traceback" not in process.log, process.log


def holder(kubectl: Kubectl, lease: str) -> str | None:
    found = kubectl.find("lease", lease)
    return str(found["spec"].get("holderIdentity")) if found else None


def acts(process: OperatorProcess) -> bool:
    return "symbol_operator_acting 1.0" in process.endpoint("/metrics")[1]


def leads(kubectl: Kubectl, name: str, within: float = 60) -> None:
    def probe() -> bool:
        symbol = kubectl.find("tsym", name)
        return bool(symbol and condition(symbol, "Ready").get("reason") == "LeaderReady")

    eventually(probe, within=within, what=f"{name} leads")


def uid(kubectl: Kubectl, name: str) -> str:
    found = kubectl.leader(name)
    return str(found["metadata"]["uid"]) if found else ""


def test_one_acts_the_other_is_ready_and_follows_it(place: Kubectl, replica: Replica) -> None:
    """A lost one within 15 s, and one that ends at once; nobody is led twice."""
    first, second = replica("first"), replica("second")
    first.start()
    eventually(lambda: acts(first), what="the first one acts")
    second.start()
    eventually(lambda: second.endpoint("/readyz")[0] == 200, what="the second one is ready")
    assert not acts(second)
    assert "first acts" in second.log
    place.apply(manifest("kept", "on"))
    leads(place, "kept")
    kept = uid(place, "kept")

    first.kill()
    first.reap()
    lost = time.monotonic()
    place.apply(manifest("meanwhile", "on"))
    eventually(lambda: acts(second), within=REPLACED_WITHIN_S, what="the second one acts")
    assert time.monotonic() - lost < REPLACED_WITHIN_S + 1
    leads(place, "meanwhile")
    assert uid(place, "kept") == kept

    first.start()
    eventually(lambda: first.endpoint("/readyz")[0] == 200, what="the first one is back")
    assert not acts(first)
    assert second.end() == 0
    eventually(lambda: acts(first), within=HANDED_OVER_WITHIN_S, what="it acts again")
    assert holder(place, ELECTION_LEASE) == "first"
    place.patch("kept", "off")
    eventually(lambda: place.leader("kept") is None, what="what is asked is done")
    assert first.end() == 0
    assert holder(place, ELECTION_LEASE) in {None, "None"}, "it is given back"


def test_a_restarted_container_acts_again_at_once(place: Kubectl, replica: Replica) -> None:
    process = replica("first")
    process.start()
    eventually(lambda: acts(process), what="it acts")
    for _ in range(2):
        process.kill()
        process.reap()
        process.start()
        eventually(lambda: acts(process), within=2, what="it acts again")


def test_a_lease_that_is_lost_in_the_middle_of_a_look_ends_the_look(
    place: Kubectl, replica: Replica, proxy: Proxy
) -> None:
    """Its second write is left to the one that acts by then."""
    slow, other = replica("slow"), replica("other")
    proxy.lead_here(slow.kubeconfig)
    slow.start()
    eventually(lambda: acts(slow), what="it acts")
    answered = threading.Event()
    proxy.faults = Faults(leases_away=True, answers_wait=answered)
    # The finalizer comes first, and then the pod.
    place.apply(manifest("drains", "on", deletionPolicy="Drain"))
    eventually(lambda: proxy.writes, what="the first write is carried out")
    eventually(lambda: not acts(slow), within=DEPOSED_WITHIN_S, what="its Lease is lost")
    answered.set()
    other.start()
    eventually(lambda: acts(other), within=REPLACED_WITHIN_S, what="the other one acts")
    leads(place, "drains")
    led = uid(place, "drains")
    proxy.faults = Faults()
    time.sleep(LOOKS_S)
    assert [write.split()[0] for write in proxy.writes] == ["PATCH"]
    assert uid(place, "drains") == led
    assert not acts(slow)
    assert slow.endpoint("/readyz")[0] == 200
    assert "stands by" in slow.log


def test_a_namespace_that_another_installation_claims_is_left_alone(
    place: Kubectl, replica: Replica
) -> None:
    """Their configurations differ: each would replace the other one's leaders."""
    elsewhere = prepare_namespace(f"test-other-{secrets.token_hex(3)}")
    first, other = replica("first"), replica("other", elsewhere.namespace)
    first.start()
    place.apply(manifest("led", "on"))
    leads(place, "led")
    led = uid(place, "led")
    other.start(selector={"role": "trading", "kubernetes.io/os": "linux"})
    eventually(lambda: acts(other), what="it acts where it may")
    elsewhere.apply(manifest("led", "on"))
    leads(elsewhere, "led")
    name = place.namespace
    said = f"Namespace {name} is not served: {name}/symbol-operator has claimed it"
    eventually(lambda: said in other.log, what="it is said whose the namespace is")
    time.sleep(LOOKS_S)
    assert uid(place, "led") == led
    assert holder(place, CLAIM_LEASE) == f"{place.namespace}/symbol-operator"

    assert first.end() == 0
    eventually(
        lambda: uid(place, "led") not in {"", led},
        within=CLAIM_LAPSES_WITHIN_S,
        what="the leader is replaced by the one who serves now",
    )
    leads(place, "led")
    assert holder(place, CLAIM_LEASE) == f"{elsewhere.namespace}/symbol-operator"
    assert other.end() == 0
    elsewhere.run("delete", "namespace", elsewhere.namespace, "--wait=false")


def test_restarts_take_no_more_leaders_down_for_a_bad_image(
    place: Kubectl, replica: Replica
) -> None:
    names = ["ada", "bnb", "eth", "sol", "xrp"]
    process = replica("first")
    process.start()
    for name in names:
        place.apply(manifest(name, "on"))
    for name in names:
        leads(place, name)
    before = {name: uid(place, name) for name in names}

    def replaced() -> set[str]:
        return {name for name in names if uid(place, name) != before[name]}

    for _ in range(3):
        process.kill()
        process.reap()
        process.start(image="stub-leader:none")
        eventually(lambda: len(replaced()) >= 2, within=90, what="two make way")
        time.sleep(LOOKS_S)
        assert len(replaced()) == 2
    process.kill()
    process.reap()
    process.start()
    for name in names:
        leads(place, name)
    assert len(replaced()) == 2, "those that were left alone are as they should be"
    assert process.end() == 0
