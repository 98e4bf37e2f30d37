"""The operator is killed after each of its writes, hears late or nothing, and reads old news.

It gets to the same end each time. The writes are those of a run that nothing happens to: none is
listed by hand. A proxy in front of the real API server sees to it.
"""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kind.kubectl import Kubectl, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.proxy import Faults, Proxy, outcome

SETTLE_S = 120.0
POLL_S = 0.05
LATE_S = 3.0
STEPS = ("on", "off", "shutdown", "on", "delete")
"""What is asked; each step begins when the one before is done."""


@pytest.fixture(scope="module")
def place(cluster: None, run_name: str) -> Iterator[Kubectl]:
    """Return kubectl in a namespace that only this operator serves."""
    kubectl = prepare_namespace(f"{run_name}-sieve")
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """Pass requests on."""
    made = Proxy()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def operator_behind(
    stub_image: str, place: Kubectl, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Return an operator that is not running yet, and sees the cluster through the proxy."""
    folder = tmp_path_factory.mktemp("operator")
    process = OperatorProcess(stub_image, [place.namespace], folder, resync_s=5)
    proxy.lead_here(process.kubeconfig)
    yield process
    process.kill()
    process.reap()


class Survivor:
    """An operator that is started again at once whenever it has ended."""

    def __init__(self, operator: OperatorProcess) -> None:
        self._operator = operator
        self.deaths = 0
        self.over = False

    def live(self) -> None:
        """Start it whenever it was killed, until it is over.

        It may be killed before it is ready: a write of the one before is carried out late.
        """
        while not self.over:
            if self._operator.alive:
                time.sleep(POLL_S)
                continue
            self._operator.reap()
            self.deaths += 1
            self._operator.launch()


def done(kubectl: Kubectl, name: str, asked: str) -> Callable[[], bool]:
    """Tell whether a step has come to its end."""

    def probe() -> bool:
        symbol, pod = kubectl.find("tsym", name), kubectl.leader(name)
        if asked == "delete" or symbol is None or "status" not in symbol:
            return symbol is None and pod is None and asked == "delete"
        found = outcome(symbol, pod)
        ready = found["conditions"].get("Ready", ("", ""))[0] == "True"
        on = asked == "on"
        return bool(ready and found["seen"] and found["pod"] is on)

    return probe


def history(kubectl: Kubectl, name: str) -> list[dict[str, object]]:
    """Ask for one thing after the other; return how things were at the end of each."""
    ends = []
    kubectl.apply(manifest(name, "off"))
    for asked in STEPS:
        if asked == "delete":
            kubectl.run("delete", "tsym", name, "--wait=false")
        else:
            kubectl.patch(name, asked)
        eventually(done(kubectl, name, asked), within=SETTLE_S, what=f"{name}: {asked}")
        ends.append(outcome(kubectl.find("tsym", name), kubectl.leader(name)))
    return ends


@pytest.fixture(scope="module")
def undisturbed(
    operator_behind: OperatorProcess, place: Kubectl, proxy: Proxy
) -> tuple[list[dict[str, object]], list[str]]:
    """Return how it goes when nothing happens, and what the operator writes then."""
    operator_behind.start()
    before = len(proxy.writes)
    ends = history(place, "calm")
    assert operator_behind.end() == 0
    return ends, [write.replace("calm", "NAME") for write in proxy.writes[before:]]


def test_killed_after_each_of_its_writes_it_gets_to_the_same_end(
    operator_behind: OperatorProcess,
    place: Kubectl,
    proxy: Proxy,
    undisturbed: tuple[list[dict[str, object]], list[str]],
) -> None:
    expected, usual = undisturbed
    survivor = Survivor(operator_behind)
    keeper = threading.Thread(target=survivor.live, daemon=True)
    before = len(proxy.writes)
    operator_behind.start()
    keeper.start()
    proxy.faults = Faults(after_write=operator_behind.kill)
    try:
        assert history(place, "kills") == expected
    finally:
        proxy.faults = Faults()
        survivor.over = True
        keeper.join(60)
    written = {write.replace("kills", "NAME") for write in proxy.writes[before:]}
    missing = {write for write in usual if "/events" not in write} - written
    assert not missing, "a write that was never followed by a kill"
    assert survivor.deaths >= len(set(usual))
    operator_behind.kill()
    operator_behind.reap()


FAULTS = {
    "late": Faults(watch_delay_s=LATE_S),
    "deaf": Faults(drop_every=2),
    "stale": Faults(stale=True),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_comes_late_or_never_or_is_old_changes_nothing_in_the_end(
    operator_behind: OperatorProcess,
    place: Kubectl,
    proxy: Proxy,
    undisturbed: tuple[list[dict[str, object]], list[str]],
    name: str,
) -> None:
    operator_behind.start()
    lost, outdated = proxy.lost, proxy.outdated
    proxy.faults = FAULTS[name]
    try:
        assert history(place, name) == undisturbed[0]
    finally:
        proxy.faults = Faults()
    assert (proxy.lost > lost) is (name == "deaf")
    assert (proxy.outdated > outdated) is (name == "stale")
    assert operator_behind.end() == 0
    assert "Traceback" not in operator_behind.log, operator_behind.log


def switched_on(kubectl: Kubectl, *names: str) -> None:
    """Have symbols that are on, each with a leader that is ready."""
    for name in names:
        kubectl.apply(manifest(name, "on"))
    for name in names:
        eventually(done(kubectl, name, "on"), within=SETTLE_S, what=f"{name}: on")


def removed(kubectl: Kubectl, *names: str) -> None:
    for name in names:
        kubectl.run("delete", "tsym", name, "--ignore-not-found", "--wait=false")
    for name in names:
        eventually(done(kubectl, name, "delete"), within=SETTLE_S, what=f"{name}: delete")


def test_what_was_deleted_while_nobody_watched_is_found(
    operator_behind: OperatorProcess, place: Kubectl, proxy: Proxy
) -> None:
    """The lists with which the watches begin anew show what is there, and not what went."""
    operator_behind.start()
    switched_on(place, "gap-pod", "gap-both", "gap-none")
    former = (place.leader("gap-pod") or {})["metadata"]["uid"]
    kept = (place.leader("gap-none") or {})["metadata"]["uid"]
    with proxy.watches_lost():
        place.run("delete", "tsym", "gap-both", "--timeout=60s")
        for name in ("gap-pod", "gap-both"):
            options = ("--ignore-not-found", "--grace-period=0", "--force")
            place.run("delete", "pod", f"{name}-leader", *options)

    def replaced() -> bool:
        pod = place.leader("gap-pod")
        return bool(done(place, "gap-pod", "on")() and pod and pod["metadata"]["uid"] != former)

    eventually(replaced, within=SETTLE_S, what="gap-pod has a new leader")
    assert place.leader("gap-both") is None
    assert (place.leader("gap-none") or {})["metadata"]["uid"] == kept
    removed(place, "gap-pod", "gap-none")
    assert operator_behind.end() == 0
    assert "Traceback" not in operator_behind.log, operator_behind.log


def test_a_pod_that_no_watch_and_no_list_shows_is_not_created_again(
    operator_behind: OperatorProcess, place: Kubectl, proxy: Proxy
) -> None:
    operator_behind.start()
    switched_on(place, "hidden")
    uid = (place.leader("hidden") or {})["metadata"]["uid"]
    assert operator_behind.end() == 0
    proxy.faults = Faults(hidden="hidden-leader")
    try:
        operator_behind.start()
        place.run("patch", "tsym", "hidden", "--type=merge", "--patch", '{"spec":{"budget":200}}')
        eventually(done(place, "hidden", "on"), within=SETTLE_S, what="it is told all the same")
        assert (place.leader("hidden") or {})["metadata"]["uid"] == uid
    finally:
        proxy.faults = Faults()
    removed(place, "hidden")
    assert operator_behind.end() == 0
    assert "Traceback" not in operator_behind.log, operator_behind.log
