"""The operator on a real cluster, with leaders that trade nothing.

What the operator owes a symbol does not depend on what its leader does inside: the pods here
come up, drain, write off, crash and end as real ones do. `stub/leader.py` says how.
"""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.operating import ON_TRADING_NODE, PROXY_SECRET, OperatorProcess

pytestmark = pytest.mark.usefixtures("operator", "tidy")


def ready(kubectl: Kubectl, name: str) -> Callable[[], bool]:
    return lambda: condition(kubectl.symbol(name), "Ready").get("status") == "True"


def reason(kubectl: Kubectl, name: str) -> str | None:
    found: str | None = condition(kubectl.symbol(name), "Ready").get("reason")
    return found


def started(kubectl: Kubectl, name: str, status: str = "on", **spec: object) -> dict[str, Any]:
    """Switch a symbol on, wait until it is ready, and return its leader pod."""
    kubectl.apply(manifest(name, status, **spec))
    eventually(ready(kubectl, name), what=name)
    pod = kubectl.leader(name)
    assert pod is not None
    return pod


def stopped(kubectl: Kubectl, name: str) -> Callable[[], bool]:
    return lambda: kubectl.leader(name) is None and reason(kubectl, name) == "Stopped"


def new_leader(kubectl: Kubectl, name: str, former: dict[str, Any]) -> Callable[[], bool]:
    def probe() -> bool:
        pod = kubectl.leader(name)
        return pod is not None and pod["metadata"]["uid"] != former["metadata"]["uid"]

    return probe


def test_on_starts_a_leader_and_off_ends_it(kubectl: Kubectl) -> None:
    pod = started(kubectl, "simple")
    symbol = kubectl.symbol("simple")

    assert symbol["status"]["requested"] == "on"
    assert symbol["status"]["leader"]["uid"] == pod["metadata"]["uid"]
    assert symbol["status"]["leader"]["node"] == pod["spec"]["nodeName"]
    for kind in ("Ready", "Reconciling", "Stalled"):
        assert condition(symbol, kind)["observedGeneration"] == symbol["metadata"]["generation"]
    eventually(lambda: kubectl.symbol("simple")["status"].get("traders") == 1)

    kubectl.patch("simple", "off")
    eventually(stopped(kubectl, "simple"))

    status = kubectl.symbol("simple")["status"]
    assert status["requested"] == "off"
    assert condition(kubectl.symbol("simple"), "Ready")["status"] == "True"
    # What the leader reported went with it, but for its ledger.
    assert not {"traders", "openOrders", "epoch", "leader"} & status.keys()
    assert (status["profit"], status["quoteAsset"]) == ("0", "USDT")
    assert set(kubectl.events("simple")) == {"LeaderStarted", "LeaderStopped"}


def test_a_line_of_the_table_tells_what_is_going_on(kubectl: Kubectl) -> None:
    started(kubectl, "columns")
    eventually(lambda: kubectl.symbol("columns")["status"].get("traders") == 1)

    header, line = kubectl.run("get", "tsym", "columns").splitlines()

    columns = " ".join(header.split())
    values = " ".join(line.split()[:-1])
    assert columns == "NAME REQUESTED ENVIRONMENT READY TRADERS OPEN ORDERS PROFIT LEADER AGE"
    assert values == "columns on paper True 1 1 0 columns-leader"
    kubectl.run("wait", "--for=condition=Ready", "tsym/columns", "--timeout=5s")


def test_the_leader_ends_a_shutdown_by_its_own_hand(kubectl: Kubectl) -> None:
    started(kubectl, "drains")

    kubectl.patch("drains", "shutdown")
    eventually(lambda: reason(kubectl, "drains") == "Draining")
    eventually(stopped(kubectl, "drains"))

    symbol = kubectl.symbol("drains")
    assert symbol["spec"]["status"] == "off"
    (owner,) = [
        entry["manager"]
        for entry in symbol["metadata"]["managedFields"]
        if "f:status" in entry["fieldsV1"].get("f:spec", {})
    ]
    assert owner == "symbol-trader"
    assert kubectl.events("drains")["LeaderStopped"] == (
        "Deleted pod drains-leader: the shutdown is done"
    )


def test_shutdown_of_a_stopped_symbol_starts_a_leader_that_finishes(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("late", "off"))
    eventually(stopped(kubectl, "late"))

    kubectl.patch("late", "shutdown")
    eventually(lambda: kubectl.symbol("late")["spec"]["status"] == "off")
    eventually(stopped(kubectl, "late"))

    assert "Shutdown of a stopped symbol" in kubectl.events("late")["AlreadyStopped"]


def test_on_during_shutdown_keeps_the_leader_and_says_who_did_it(kubectl: Kubectl) -> None:
    pod = started(kubectl, "rests")
    kubectl.patch("rests", "shutdown")
    eventually(lambda: kubectl.symbol("rests")["status"]["requested"] == "shutdown")

    kubectl.patch("rests", "on")
    eventually(ready(kubectl, "rests"))

    assert kubectl.leader("rests")["metadata"]["uid"] == pod["metadata"]["uid"]  # type: ignore[index]  # None fails the test as well
    assert kubectl.events("rests")["ShutdownCanceled"] == (
        "Switched on during shutdown, by kubectl-patch"
    )


def test_on_while_the_old_pod_terminates_waits_for_its_end(kubectl: Kubectl) -> None:
    pod = started(kubectl, "slow-end")
    kubectl.patch("slow-end", "off")
    eventually(lambda: "deletionTimestamp" in (kubectl.leader("slow-end") or {})["metadata"])

    kubectl.patch("slow-end", "on")
    eventually(lambda: reason(kubectl, "slow-end") == "Replacing")
    eventually(new_leader(kubectl, "slow-end", pod))
    eventually(ready(kubectl, "slow-end"))


def test_on_between_the_leaders_off_and_the_end_of_its_pod_starts_a_new_one(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    """The operator is stopped, so that the moment lasts."""
    pod = started(kubectl, "again")
    operator.end()
    kubectl.patch("again", "shutdown")
    eventually(lambda: kubectl.leader("again")["status"]["phase"] == "Succeeded")  # type: ignore[index]  # None fails the test as well
    kubectl.patch("again", "on")

    operator.start()
    eventually(new_leader(kubectl, "again", pod))
    eventually(ready(kubectl, "again"))


def test_a_pod_that_somebody_deletes_comes_back(kubectl: Kubectl) -> None:
    pod = started(kubectl, "deleted")

    kubectl.run("delete", "pod", "deleted-leader", "--wait=false")
    eventually(new_leader(kubectl, "deleted", pod))
    eventually(ready(kubectl, "deleted"))

    assert kubectl.events("deleted")["LeaderReplaced"] == (
        "Pod deleted-leader was deleted; created a new one"
    )


def test_a_leader_that_crashes_in_a_loop_stalls_and_off_ends_it(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("crash", "on"))
    eventually(lambda: reason(kubectl, "crash") == "CrashLooping")

    symbol = kubectl.symbol("crash")
    assert condition(symbol, "Stalled")["status"] == "True"
    assert "exit code 1: cannot work" in condition(symbol, "Ready")["message"]
    assert "CrashLooping" in kubectl.events("crash")

    kubectl.patch("crash", "off")
    eventually(stopped(kubectl, "crash"))
    assert condition(kubectl.symbol("crash"), "Stalled")["status"] == "False"


def test_a_leader_that_cannot_trade_yet_does_not_make_its_symbol_ready(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("unready", "on"))
    eventually(lambda: reason(kubectl, "unready") == "LeaderNotReady")

    symbol = kubectl.symbol("unready")
    assert condition(symbol, "Ready")["status"] == "False"
    assert condition(symbol, "Reconciling")["status"] == "True"
    assert condition(symbol, "Stalled")["status"] == "False"


def test_a_fenced_leader_is_replaced_ever_later(kubectl: Kubectl) -> None:
    kubectl.apply(manifest("fenced", "on"))
    eventually(lambda: reason(kubectl, "fenced") == "BackingOff")

    assert kubectl.leader("fenced") is None
    assert "another leader has taken over" in kubectl.events("fenced")["LeaderReplaced"]
    kubectl.patch("fenced", "off")
    eventually(stopped(kubectl, "fenced"))


def test_an_image_that_is_not_there_is_told(kubectl: Kubectl, operator: OperatorProcess) -> None:
    operator.end()
    operator.start(image="absent.invalid/trader:1")
    try:
        kubectl.apply(manifest("imageless", "on"))
        eventually(lambda: reason(kubectl, "imageless") == "ImageUnavailable")
        assert "absent.invalid" in condition(kubectl.symbol("imageless"), "Ready")["message"]
    finally:
        operator.end()
        operator.start()
    eventually(ready(kubectl, "imageless"), what="a right image, and nobody has to do more")


def test_a_changed_configuration_reaches_leaders_as_their_strategy_says(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    """Those that may make way do; one that waits for a person says what differs."""
    before = {
        name: started(kubectl, name, updateStrategy=strategy)
        for name, strategy in (("updated", "WhenIdle"), ("by-hand", "Manual"))
    }
    operator.end()
    operator.start(selector={**ON_TRADING_NODE, "kubernetes.io/os": "linux"})
    try:
        eventually(new_leader(kubectl, "updated", before["updated"]))
        eventually(ready(kubectl, "updated"))
        assert "nodeSelector" in kubectl.events("updated")["LeaderReplaced"]

        message = condition(kubectl.symbol("by-hand"), "Ready")["message"]
        assert "spec.nodeSelector.kubernetes.io/os is None, not linux" in message
        assert not new_leader(kubectl, "by-hand", before["by-hand"])()
        kubectl.run("delete", "pod", "by-hand-leader", "--wait=false")
        eventually(new_leader(kubectl, "by-hand", before["by-hand"]))
        eventually(ready(kubectl, "by-hand"))
        assert "nodeSelector" not in condition(kubectl.symbol("by-hand"), "Ready")["message"]
    finally:
        operator.end()
        operator.start()


@pytest.mark.parametrize(
    ("exchange", "expected"), [("kraken", "UnknownExchange"), ("binance", "ExchangeRefused")]
)
def test_an_exchange_that_cannot_be_traded_at_is_refused(
    kubectl: Kubectl, exchange: str, expected: str
) -> None:
    kubectl.apply(manifest(exchange, "on", exchange=exchange))
    eventually(lambda: reason(kubectl, exchange) == expected)

    assert kubectl.leader(exchange) is None
    assert exchange in condition(kubectl.symbol(exchange), "Stalled")["message"]
    assert expected in kubectl.events(exchange)
    kubectl.patch(exchange, "off")
    eventually(stopped(kubectl, exchange))


def test_a_missing_secret_is_told_with_the_command_and_creating_it_is_enough(
    second: Kubectl,
) -> None:
    """In the second namespace, which nobody has given any Secrets."""
    second.apply(manifest("xrpusdt", "on", exchange="proxied"))
    eventually(lambda: reason(second, "xrpusdt") == "SecretMissing")

    message = condition(second.symbol("xrpusdt"), "Stalled")["message"]
    command = f"kubectl create secret generic {PROXY_SECRET} --namespace {second.namespace}"
    assert command in message
    assert second.events("xrpusdt")["SecretMissing"] == message

    second.run("create", "secret", "generic", PROXY_SECRET, "--from-literal=url=http://nowhere:1")
    eventually(ready(second, "xrpusdt"), within=120)


def test_a_pod_of_somebody_else_is_left_alone(kubectl: Kubectl, stub_image: str) -> None:
    kubectl.run("run", "taken-leader", f"--image={stub_image}", "--overrides", RESTRICTED)
    kubectl.apply(manifest("taken", "on"))
    eventually(lambda: reason(kubectl, "taken") == "ForeignPod")
    assert kubectl.leader("taken")["metadata"]["labels"] == {"run": "taken-leader"}  # type: ignore[index]  # None fails the test as well

    kubectl.run("delete", "pod", "taken-leader", "--now")
    # No event tells of other people's pods; the resync finds out.
    eventually(ready(kubectl, "taken"))


RESTRICTED = """{"spec": {
    "securityContext": {
        "runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}
    },
    "containers": [{
        "name": "taken-leader", "image": "pause",
        "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}
        }
    }]
}}"""


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_deleting_the_resource_ends_its_pod_and_nothing_hangs(
    kubectl: Kubectl, cascade: str
) -> None:
    name = f"gone-{cascade}"
    started(kubectl, name)

    kubectl.run("delete", "tsym", name, f"--cascade={cascade}", "--timeout=60s")
    eventually(lambda: kubectl.leader(name) is None)


def test_a_resource_created_anew_gets_a_pod_of_its_own(kubectl: Kubectl) -> None:
    pod = started(kubectl, "anew")

    kubectl.run("delete", "tsym", "anew", "--cascade=orphan", "--wait=false")
    eventually(lambda: kubectl.find("tsym", "anew") is None)
    started(kubectl, "anew")

    assert new_leader(kubectl, "anew", pod)()


def test_applying_the_file_again_does_what_it_says(kubectl: Kubectl) -> None:
    """With a status the file is a command; without one it leaves the status alone."""
    started(kubectl, "applied")
    kubectl.patch("applied", "off")
    eventually(stopped(kubectl, "applied"))

    kubectl.apply(manifest("applied", "on"))
    eventually(ready(kubectl, "applied"))

    kubectl.run("delete", "tsym", "applied")
    kubectl.apply(manifest("applied"))
    kubectl.patch("applied", "on")
    eventually(ready(kubectl, "applied"))
    kubectl.apply(manifest("applied", chunks=7))
    assert kubectl.symbol("applied")["spec"]["status"] == "on"
    assert kubectl.symbol("applied")["spec"]["chunks"] == 7


def test_applying_by_server_side_apply_knows_who_wrote_off(kubectl: Kubectl) -> None:
    """The leader's off takes the field from the file's manager; taking it back needs force."""
    apply = ("--server-side", "--field-manager=gitops")
    kubectl.apply(manifest("declared", "on"), *apply)
    eventually(ready(kubectl, "declared"))
    kubectl.patch("declared", "shutdown")
    eventually(stopped(kubectl, "declared"))

    kubectl.apply(manifest("declared", chunks=7), *apply)
    assert kubectl.symbol("declared")["spec"]["status"] == "off"
    with pytest.raises(Exception, match=r"conflict with \"symbol-trader\".*\n*.*spec\.status"):
        kubectl.apply(manifest("declared", "on"), *apply)
    kubectl.apply(manifest("declared", "on"), *apply, "--force-conflicts")
    eventually(ready(kubectl, "declared"))


def test_an_operator_that_was_killed_finds_out_what_it_missed(
    kubectl: Kubectl, operator: OperatorProcess
) -> None:
    kept = started(kubectl, "kept")
    started(kubectl, "goes")
    lost = started(kubectl, "lost")
    told = {name: kubectl.events(name) for name in ("kept", "goes", "lost")}

    operator.end(signal.SIGKILL)
    kubectl.patch("goes", "off")
    kubectl.run("delete", "pod", "lost-leader")
    kubectl.apply(manifest("comes", "on"))
    kubectl.run("delete", "tsym", "columns", "--ignore-not-found")
    operator.start()

    eventually(stopped(kubectl, "goes"))
    eventually(ready(kubectl, "comes"))
    eventually(new_leader(kubectl, "lost", lost))
    assert kubectl.leader("kept")["metadata"]["uid"] == kept["metadata"]["uid"]  # type: ignore[index]  # None fails the test as well
    # A restart is no news.
    assert kubectl.events("kept") == told["kept"]
    assert set(kubectl.events("goes")) == {*told["goes"], "LeaderStopped"}


def test_twenty_symbols_at_once(kubectl: Kubectl) -> None:
    names = [f"many{number}" for number in range(20)]
    kubectl.apply("---\n".join(manifest(name, "on") for name in names))
    everything = [f"tsym/{name}" for name in names]
    kubectl.run("wait", "--for=condition=Ready", *everything, "--timeout=120s")

    for name in names:
        kubectl.patch(name, "shutdown")
    for name in names:
        eventually(stopped(kubectl, name), within=90)
