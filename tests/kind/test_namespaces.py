"""A namespace is an island: one that goes, or whose rights go, concerns no other."""

import re
import secrets
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from kind.kubectl import Kubectl, KubectlError, condition, eventually, kubectl_trading, manifest
from kind.operating import OperatorProcess, prepare_namespace

ROLE_BINDING = ("rolebinding", "symbol-operator")
RESYNC_S = 5


@pytest.fixture
def mainland(cluster: None) -> Iterator[Kubectl]:
    """Return kubectl in a namespace that is there all the time."""
    yield from namespace("mainland")


@pytest.fixture
def island(cluster: None) -> Iterator[Kubectl]:
    """Return kubectl in a namespace that something happens to."""
    yield from namespace("island")


def namespace(name: str) -> Iterator[Kubectl]:
    kubectl = prepare_namespace(f"test-{name}-{secrets.token_hex(3)}")
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture
def process(
    stub_image: str, mainland: Kubectl, island: Kubectl, tmp_path: Path
) -> Iterator[OperatorProcess]:
    """Run an operator for both; it must live through all of it."""
    names = [mainland.namespace, island.namespace]
    process = OperatorProcess(stub_image, names, tmp_path, resync_s=RESYNC_S)
    process.start()
    yield process
    assert process.alive, process.log
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


def served(process: OperatorProcess, kubectl: Kubectl) -> bool | None:
    """Return whether the metrics say that a namespace is served; None if they say nothing."""
    found = metric(process, "symbol_operator_namespace_served", kubectl)
    return None if found is None else found == 1


def metric(process: OperatorProcess, name: str, kubectl: Kubectl) -> float | None:
    _, text = process.endpoint("/metrics")
    line = re.search(rf'^{name}{{namespace="{kubectl.namespace}"}} (.*)$', text, re.MULTILINE)
    return float(line[1]) if line else None


def leads(kubectl: Kubectl, name: str) -> None:
    """Switch a symbol on, and wait until it leads; then off, and until nothing runs."""
    kubectl.apply(manifest(name, "on"))
    eventually(
        lambda: condition(kubectl.symbol(name), "Ready").get("reason") == "LeaderReady",
        what=f"{name} leads",
    )
    kubectl.patch(name, "off")
    eventually(lambda: kubectl.leader(name) is None, what=f"{name} ends")


def lines_about(process: OperatorProcess, kubectl: Kubectl) -> list[str]:
    pattern = rf"Namespace {kubectl.namespace} (is (?:not )?served.*)"
    return re.findall(pattern, process.log)


def test_a_role_binding_that_is_deleted_concerns_one_namespace_and_is_got_over(
    process: OperatorProcess, mainland: Kubectl, island: Kubectl
) -> None:
    leads(island, "before")
    kept = island.find(*ROLE_BINDING)
    island.run("delete", *ROLE_BINDING)

    eventually(lambda: served(process, island) is False, what="it is not served")
    assert metric(process, "symbol_operator_symbols", island) is None
    assert served(process, mainland)
    assert "is forbidden" in lines_about(process, island)[-1]
    leads(mainland, "meanwhile")
    island.apply(manifest("waits", "on"))
    # A restart must not need the namespace either.
    assert process.end() == 0
    process.start()
    eventually(lambda: served(process, mainland), what="the other is served after a restart")
    leads(mainland, "after")
    assert served(process, island) is False
    assert island.leader("waits") is None

    assert kept
    prepare_namespace(island.namespace, secrets=False)
    eventually(lambda: island.leader("waits"), what="what was asked for meanwhile is done")
    eventually(lambda: served(process, island), what="it is served again")
    eventually(
        lambda: metric(process, "symbol_operator_symbols", island) == 2, what="it is counted again"
    )


def test_a_namespace_that_is_deleted_concerns_no_other_and_is_served_when_it_is_back(
    process: OperatorProcess, mainland: Kubectl, island: Kubectl
) -> None:
    island.apply(manifest("lost", "on"))
    eventually(lambda: island.leader("lost"), what="a leader")
    island.run("delete", "namespace", island.namespace, "--timeout=120s")

    eventually(lambda: served(process, island) is False, what="it is not served")
    eventually(
        lambda: lines_about(process, island)[-1].endswith("does not exist, or is being deleted"),
        what="it is said why",
    )
    leads(mainland, "meanwhile")
    prepare_namespace(island.namespace)
    eventually(lambda: served(process, island), what="it is served again")
    leads(island, "again")
    # Each change is one line, however often it was asked for in between. The new namespace may
    # have been seen before its rights were.
    said = lines_about(process, island)
    assert all(one != other for one, other in pairwise(said)), said
    kept = [line for line in said if "forbidden" not in line]
    assert [line.startswith("is served") for line in kept] == [True, False, True], said


def test_a_namespace_that_is_left_is_emptied_while_the_rights_are_there(
    process: OperatorProcess, mainland: Kubectl, island: Kubectl
) -> None:
    for kubectl in (island, mainland):
        kubectl.apply(manifest("held", "on", deletionPolicy="Drain"))
        eventually(lambda kubectl=kubectl: kubectl.leader("held"), what="a leader")  # type: ignore[misc]  # the default binds this round's value
    assert process.end() == 0
    process.leave(island.namespace)
    process.start()

    eventually(lambda: island.leader("held") is None, what="its leader is ended")
    eventually(
        lambda: condition(island.symbol("held"), "Stalled").get("reason") == "NamespaceLeaving",
        what="it is said",
    )
    assert not island.symbol("held")["metadata"].get("finalizers")
    assert island.symbol("held")["spec"]["status"] is True
    eventually(
        lambda: f"{island.namespace} holds nothing of ours" in process.log, what="it is told"
    )
    assert mainland.leader("held") is not None
    # Nobody can drain it any more; what is refused says what can be done.
    with pytest.raises(KubectlError, match="Where no operator serves the namespace, set deletionP"):
        island.run("delete", "tradingsymbol", "held")
    to_stop = '{"spec":{"deletionPolicy":"Stop"}}'
    island.run("patch", "tradingsymbol", "held", "--type=merge", "--patch", to_stop)
    island.run("delete", "tradingsymbol", "held", "--timeout=60s")
    mainland.patch("held", "off")
    mainland.run("annotate", "tradingsymbol", "held", "tradingsymbol.dev/abandon-orders=true")
    mainland.run("delete", "tradingsymbol", "held", "--timeout=60s")


ABANDONED = """
apiVersion: v1
kind: Pod
metadata:
  name: former-leader
  labels:
    app.kubernetes.io/name: symbol-trader
    app.kubernetes.io/managed-by: symbol-operator
    tradingsymbol.dev/name: former
spec:
  nodeSelector: {role: nowhere}
  containers: [{name: trader, image: none}]
"""


def test_kubectl_trading_tells_what_nobody_serves(island: Kubectl) -> None:
    """No operator has this namespace on its list."""
    island.run("label", "namespace", island.namespace, "pod-security.kubernetes.io/enforce-")
    island.apply(ABANDONED)
    island.apply(manifest("waits", "on"))

    code, lines = kubectl_trading(island, "status")
    assert code == 1
    assert lines[-1].startswith(f"{island.namespace}/former-leader: a leader runs though")
    island.run("delete", "pod", "former-leader", "--grace-period=0", "--force")
    eventually(
        lambda: kubectl_trading(island, "status")[0] == 1,
        what="what nobody takes up is said after a minute",
    )
    code, lines = kubectl_trading(island, "status")
    assert "waits: no operator has taken up what was asked" in lines[-1]
    code, lines = kubectl_trading(island, "stop", "waits")
    assert code == 1
    assert lines[0] == "waits: stopping trading"
    assert "nobody serves namespace" in lines[-1]
