"""What becomes of a symbol that is deleted: Stop, CancelOrders and Drain, in each way to delete."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kind.kubectl import Kubectl, KubectlError, condition, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.trading import Platform, wait_until_trading

FINALIZER = "tradingsymbol.dev/deletion-policy"


@pytest.fixture(scope="module")
def careful(cluster: None, run_name: str) -> Kubectl:
    """Return kubectl in a namespace that a test deletes in the end."""
    return prepare_namespace(f"{run_name}-deletion")


@pytest.fixture(scope="module")
def operator_here(
    stub_image: str, careful: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run the operator for that namespace, with leaders that trade nothing."""
    process = OperatorProcess(stub_image, [careful.namespace], tmp_path_factory.mktemp("operator"))
    process.start()
    yield process
    assert process.alive, process.log
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


def started(kubectl: Kubectl, name: str, policy: str) -> None:
    kubectl.apply(manifest(name, "on", deletionPolicy=policy))
    eventually(lambda: condition(kubectl.symbol(name), "Ready").get("status") == "True", what=name)
    assert kubectl.symbol(name)["metadata"]["finalizers"] == [FINALIZER]


def deleted(kubectl: Kubectl, name: str, *options: str) -> None:
    kubectl.run("delete", "tsym", name, "--wait=false", *options)


def gone(kubectl: Kubectl, name: str) -> bool:
    return kubectl.find("tsym", name) is None and kubectl.leader(name) is None


def told(kubectl: Kubectl, name: str) -> str:
    return eventually(lambda: kubectl.events(name).get("OrdersRest", ""), what="the Event")


@pytest.mark.usefixtures("operator_here")
@pytest.mark.parametrize("policy", ["Drain", "CancelOrders"])
@pytest.mark.parametrize("cascade", ["background", "orphan"])
def test_a_deletion_waits_for_its_leader(careful: Kubectl, policy: str, cascade: str) -> None:
    name = f"{policy.lower()}-{cascade}"
    started(careful, name, policy)
    deleted(careful, name, f"--cascade={cascade}")

    eventually(lambda: gone(careful, name), what="it goes when the leader has finished")
    assert "OrdersRest" not in careful.events(name)


@pytest.mark.usefixtures("operator_here")
@pytest.mark.parametrize("policy", ["Drain", "CancelOrders"])
def test_a_deletion_right_behind_the_wish_to_wait_waits(careful: Kubectl, policy: str) -> None:
    name = f"at-once-{policy.lower()}"
    careful.apply(manifest(name, "on"))
    eventually(lambda: condition(careful.symbol(name), "Ready").get("status") == "True", what=name)
    patch = json.dumps({"spec": {"deletionPolicy": policy}})
    careful.run("patch", "tsym", name, "--type", "merge", "--patch", patch)

    eventually(lambda: taken(careful, name), what="the deletion is taken")
    eventually(lambda: gone(careful, name), what="it goes when the leader has finished")
    assert "OrdersRest" not in careful.events(name)


def taken(kubectl: Kubectl, name: str) -> bool:
    """Delete it; tell whether that was taken, and not put off to a moment later."""
    try:
        deleted(kubectl, name)
    except KubectlError as exc:
        if "try again in a moment" not in str(exc):
            raise
        return False
    return True


@pytest.fixture(scope="module")
def unserved(cluster: None, run_name: str) -> Kubectl:
    """Return kubectl in a namespace that no operator serves, and a test deletes in the end."""
    return prepare_namespace(f"{run_name}-unserved", secrets=False)


@pytest.mark.parametrize("policy", ["Drain", "CancelOrders"])
@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_what_nobody_sees_to_is_not_deleted_as_if_it_waited(
    unserved: Kubectl, policy: str, cascade: str
) -> None:
    name = f"{policy.lower()}-{cascade}"
    unserved.apply(manifest(name, deletionPolicy=policy))
    for what in (("tsym", name), ("tsym", "--all")):
        with pytest.raises(
            KubectlError, match=f"deletionPolicy is {policy}.*set deletionPolicy to"
        ):
            unserved.run("delete", *what, f"--cascade={cascade}")

    patch = '{"spec": {"deletionPolicy": "Stop"}}'
    unserved.run("patch", "tsym", name, "--type", "merge", "--patch", patch)
    unserved.run("delete", "tsym", name)


def test_what_is_abandoned_goes_at_once(unserved: Kubectl) -> None:
    unserved.apply(manifest("abandoned", deletionPolicy="Drain"))
    unserved.run("annotate", "tsym", "abandoned", "tradingsymbol.dev/abandon-orders=true")
    unserved.run("delete", "tsym", "abandoned")


def test_what_nobody_sees_to_goes_with_its_namespace(unserved: Kubectl) -> None:
    unserved.apply(manifest("last", "on", deletionPolicy="Drain"))
    unserved.run("delete", "namespace", unserved.namespace, "--timeout=90s")


@pytest.mark.usefixtures("operator_here")
def test_a_deletion_of_what_is_off_starts_a_leader_to_finish(careful: Kubectl) -> None:
    started(careful, "was-off", "Drain")
    careful.patch("was-off", "off")
    eventually(lambda: careful.leader("was-off") is None)
    deleted(careful, "was-off")

    assert eventually(lambda: careful.leader("was-off") or gone(careful, "was-off"))
    eventually(lambda: gone(careful, "was-off"))


@pytest.mark.usefixtures("operator_here")
@pytest.mark.parametrize("way", ["foreground", "annotation"])
def test_a_deletion_that_is_not_to_wait_says_what_rests(careful: Kubectl, way: str) -> None:
    name = f"stuck-{way}"
    started(careful, name, "Drain")
    deleted(careful, name, *(["--cascade=foreground"] if way == "foreground" else []))
    if way == "annotation":
        eventually(lambda: condition(careful.symbol(name), "Ready").get("reason") == "Deleting")
        careful.run("annotate", "tsym", name, "tradingsymbol.dev/abandon-orders=true")

    eventually(lambda: gone(careful, name))
    assert "1 order rests on the exchange and stay on record" in told(careful, name)


@pytest.mark.usefixtures("operator_here")
def test_a_policy_that_does_not_wait_leaves_no_finalizer_and_says_what_rests(
    careful: Kubectl,
) -> None:
    started(careful, "changed", "Drain")
    careful.apply(manifest("changed", "on", deletionPolicy="Stop"))
    eventually(lambda: not careful.symbol("changed")["metadata"].get("finalizers"))
    deleted(careful, "changed")

    eventually(lambda: gone(careful, "changed"))
    assert "1 order rests on the exchange and stay on record" in told(careful, "changed")


def test_without_an_operator_the_documented_command_lets_it_go(
    careful: Kubectl, operator_here: OperatorProcess
) -> None:
    started(careful, "stuck-alone", "Drain")
    assert operator_here.end() == 0
    deleted(careful, "stuck-alone")
    patch = '{"metadata": {"finalizers": null}}'
    careful.run("patch", "tsym", "stuck-alone", "--type", "merge", "--patch", patch)

    eventually(lambda: gone(careful, "stuck-alone"), what="the garbage collector takes the pod")
    operator_here.start()


@pytest.mark.usefixtures("operator_here")
def test_a_namespace_that_is_deleted_is_not_held_up(careful: Kubectl) -> None:
    started(careful, "stuck-last", "Drain")
    careful.run("delete", "namespace", careful.namespace, "--timeout=90s")


def resting(record: Platform, symbol: str) -> list[Any]:
    text = "SELECT state FROM orders WHERE symbol = $1 AND state IN ('open', 'undecided')"
    return record.query(text, symbol)


@pytest.mark.parametrize(("policy", "left"), [("CancelOrders", {"held"}), ("Drain", {"finished"})])
@pytest.mark.usefixtures("real_operator")
def test_a_real_leader_does_what_the_policy_says(
    home: Kubectl, record: Platform, policy: str, left: set[str]
) -> None:
    """With two orders on the book: canceled and held, or sold first."""
    name = {"CancelOrders": "hbar", "Drain": "ton"}[policy]
    symbol = f"{name.upper()}USDT"
    home.apply(manifest(name, "on", symbol=symbol, deletionPolicy=policy))
    wait_until_trading(home, name)
    record.freeze_with_two_orders(symbol)
    deleted(home, name)
    if policy == "Drain":
        eventually(lambda: condition(home.symbol(name), "ShuttingDown").get("status") == "True")
        assert resting(record, symbol)
        for _ in range(10):
            record.sweep(symbol)
            if gone(home, name):
                break

    eventually(lambda: gone(home, name), within=120, what="it goes when nothing is open")
    record.exchange("resume")
    assert resting(record, symbol) == []
    states = record.query("SELECT DISTINCT state FROM traders WHERE symbol = $1", symbol)
    assert left <= {row[0] for row in states} <= {"finished", "held", "stranded"}
