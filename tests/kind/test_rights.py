"""A leader's token, or the operator's, in the wrong hands: what it is not there for is refused.

The accounts are given every right on TradingSymbols here, so that the policies stand alone.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from kind.kubectl import Kubectl, KubectlError, manifest
from kind.operating import kubeconfig_with, prepare_namespace, prepare_operator
from symbol_operator.observe.managed_fields import disowned, put_right
from symbol_trader.desired import SwitchOffOutcome
from symbol_trader.report import Report
from symbol_trader.resource.api_server import ApiServerResource

OWN, OTHER = "rights-own", "rights-other"
EVERYTHING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: everything}
rules:
- apiGroups: [tradingsymbol.dev]
  resources: [tradingsymbols, tradingsymbols/status]
  verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: everything}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: everything}
subjects:
- {kind: ServiceAccount, name: symbol-trader}
- {kind: ServiceAccount, name: symbol-operator, namespace: trading-system}
"""

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}-leader}}
spec:
  serviceAccountName: symbol-trader
  # The token is what matters; the pod need not run.
  nodeSelector: {{there-is-no: such-node}}
  securityContext:
    {{runAsNonRoot: true, runAsUser: 10001, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
  - name: leader
    image: none
    securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"""
REPORTED: dict[str, Any] = {
    "requested": "shutdown",
    "symbol": "XRPUSDT",
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "reason": "Draining",
            "message": "",
        }
    ],
}

Leader = Callable[..., str]


@pytest.fixture(scope="module")
def symbols(cluster: None, run_name: str) -> Iterator[Kubectl]:
    """Let two symbols have leaders, whose account may do everything but for the policy."""
    kubectl = prepare_namespace(f"{run_name}-rights", secrets=False)
    kubectl.apply(EVERYTHING)
    for name in (OWN, OTHER):
        kubectl.apply(manifest(name, "shutdown"))
        kubectl.apply(POD.format(name=name))
        body = json.dumps({"status": REPORTED})
        options = ("--subresource", "status", "--type", "merge", "--patch", body)
        kubectl.run("patch", "tradingsymbol", name, *options)
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


def account(kubectl: Kubectl, folder: Path, *bound: str) -> Leader:
    """Return kubectl with a token of the leaders' account."""
    token = kubectl.run("create", "token", "symbol-trader", *bound).strip()
    kubeconfig = kubeconfig_with(token, folder / "kubeconfig")
    return lambda *arguments, **more: kubectl.run(
        "--kubeconfig", str(kubeconfig), *arguments, **more
    )


@pytest.fixture
def leader(symbols: Kubectl, tmp_path: Path) -> Leader:
    """Return kubectl as the leader of OWN, which is being shut down."""
    symbols.patch(OWN, "shutdown")
    bound = ("--bound-object-kind", "Pod", "--bound-object-name", f"{OWN}-leader")
    return account(symbols, tmp_path, *bound)


def patched(
    run: Leader, name: str, body: dict[str, Any], *options: str, manager: str = "symbol-trader"
) -> str:
    how = ("--type", "merge", "--patch", json.dumps(body), "--field-manager", manager)
    return run("patch", "tradingsymbol", name, *how, *options)


def reported(run: Leader, name: str, status: dict[str, Any]) -> str:
    """Apply a leader's part of the status, as leaders do."""
    head = {"apiVersion": "tradingsymbol.dev/v1alpha1", "kind": "TradingSymbol"}
    document = json.dumps({**head, "metadata": {"name": name}, "status": status})
    how = ("--server-side", "--force-conflicts", "--field-manager", "symbol-trader")
    return run("apply", *how, "--subresource", "status", "-f", "-", stdin=document)


def condition(kind: str, **more: object) -> dict[str, Any]:
    """Write a condition."""
    return {**REPORTED["conditions"][0], "type": kind, **more}


def writers(kubectl: Kubectl, name: str) -> list[dict[str, Any]]:
    """Read who wrote which field."""
    found: list[dict[str, Any]] = kubectl.symbol(name)["metadata"].get("managedFields", [])
    return found


def writer_of_spec(**fields: object) -> dict[str, Any]:
    """Write an entry about the spec, as the API server keeps it."""
    return {
        "manager": "alice",
        "operation": "Update",
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:status": {}}},
        **fields,
    }


def spec(**fields: object) -> dict[str, Any]:
    return {"spec": fields}


def metadata(**fields: object) -> dict[str, Any]:
    return {"metadata": fields}


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        (OTHER, spec(status="off"), f"{OWN}-leader does not lead for {OTHER}"),
        (OWN, spec(status="on"), "from shutdown to off and to nothing else"),
        (OWN, spec(budget="1000000"), "nothing but the status"),
        (OWN, spec(status="off", budget="1000000"), "nothing but the status"),
        (OWN, spec(status="off", chunks=9), "nothing but the status"),
        (OWN, metadata(labels={"a": "b"}), "does not change the metadata"),
        (OWN, metadata(annotations={"a": "b"}), "does not change the metadata"),
        (OWN, metadata(finalizers=["example.com/never"]), "does not change the metadata"),
    ],
)
def test_a_leader_writes_off_its_own_resource_and_nothing_else(
    leader: Leader, name: str, body: dict[str, Any], why: str
) -> None:
    with pytest.raises(KubectlError, match=why):
        patched(leader, name, body)


def test_a_leader_does_not_switch_off_what_is_on(symbols: Kubectl, leader: Leader) -> None:
    symbols.patch(OWN, "on")

    with pytest.raises(KubectlError, match="from shutdown to off and to nothing else"):
        patched(leader, OWN, spec(status="off"))


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        (OTHER, {"traders": 1}, f"{OWN}-leader does not lead for {OTHER}"),
        (OWN, {"requested": "off"}, "what the operator reports"),
        (OWN, {"leader": {"pod": "another", "uid": "another"}}, "what the operator reports"),
        (OWN, {"conditions": []}, "Trading, ShuttingDown and Degraded alone"),
        (
            OWN,
            {"conditions": [*REPORTED["conditions"], condition("Trading"), condition("Rich")]},
            "Trading, ShuttingDown and Degraded alone",
        ),
    ],
)
def test_a_leader_reports_its_part_for_its_own_resource(
    leader: Leader, name: str, status: dict[str, Any], why: str
) -> None:
    with pytest.raises(KubectlError, match=why):
        patched(leader, name, {"status": status}, "--subresource", "status")


def test_a_leader_neither_creates_nor_deletes(leader: Leader) -> None:
    with pytest.raises(KubectlError, match="neither creates nor deletes"):
        leader("delete", "tradingsymbol", OWN)
    with pytest.raises(KubectlError, match="neither creates nor deletes"):
        leader("create", "-f", "-", stdin=manifest("rights-new", "on"))


def test_a_token_that_is_bound_to_no_pod_writes_nothing(symbols: Kubectl, tmp_path: Path) -> None:
    symbols.patch(OWN, "shutdown")

    with pytest.raises(KubectlError, match="must be bound to its pod"):
        patched(account(symbols, tmp_path), OWN, spec(status="off"))


def test_a_leader_writes_in_its_own_name(leader: Leader) -> None:
    for options in ((), ("--subresource", "status")):
        with pytest.raises(KubectlError, match="field manager symbol-trader and as no other"):
            patched(leader, OWN, spec(status="off"), *options, manager="symbol-operator")


Entry = dict[str, Any]
TAKEN, MADE_UP, CLAIMED = (
    "a leader does not take away who wrote what",
    "a leader does not say that another one wrote what it did not write",
    "a leader does not say that it wrote what it may not write",
)


def with_fields(entry: Entry, part: str, fields: dict[str, Any]) -> Entry:
    """Write an entry with other fields of one part of the resource."""
    return {**entry, "fieldsV1": {**entry["fieldsV1"], part: fields}}


FORGERIES: dict[str, tuple[str, Callable[[Entry], list[Entry]]]] = {
    "removed": (TAKEN, lambda person: []),
    "partly removed": (TAKEN, lambda person: [with_fields(person, "f:spec", {".": {}})]),
    "added": (MADE_UP, lambda person: [person, writer_of_spec()]),
    "united": (MADE_UP, lambda person: [person, writer_of_spec(manager="ancient-changes")]),
    "renamed": (MADE_UP, lambda person: [{**person, "manager": "alice"}]),
    "enlarged": (
        MADE_UP,
        lambda person: [
            with_fields(person, "f:spec", {**person["fieldsV1"]["f:spec"], "f:more": {}})
        ],
    ),
    "of the labels": (
        MADE_UP,
        lambda person: [with_fields(person, "f:metadata", {"f:labels": {"f:a": {}}})],
    ),
    "claimed": (CLAIMED, lambda person: [person, writer_of_spec(manager="symbol-trader")]),
    "claimed more": (
        CLAIMED,
        lambda person: [
            person,
            writer_of_spec(manager="symbol-trader", fieldsV1={"f:spec": {"f:budget": {}}}),
        ],
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_leader_does_not_change_who_wrote_what(
    symbols: Kubectl, leader: Leader, forgery: str
) -> None:
    why, forge = FORGERIES[forgery]
    known = writers(symbols, OWN)
    person = next(entry for entry in known if "f:budget" in entry["fieldsV1"].get("f:spec", {}))
    forged = [entry for entry in known if entry is not person] + forge(person)

    with pytest.raises(KubectlError, match=why):
        patched(leader, OWN, metadata(managedFields=forged))


@pytest.mark.parametrize("body", [{}, spec(status="off")], ids=["alone", "besides"])
def test_a_leader_does_not_wipe_who_wrote_what(leader: Leader, body: dict[str, Any]) -> None:
    with pytest.raises(KubectlError, match=TAKEN):
        patched(leader, OWN, {**metadata(managedFields=[{}]), **body})


def test_by_its_report_a_leader_cannot_change_who_asked(symbols: Kubectl, leader: Leader) -> None:
    """The API server takes no word on it there; the policy relies on that."""
    asked = [entry for entry in writers(symbols, OWN) if "f:spec" in entry["fieldsV1"]]
    for traders, forged in enumerate(([{}], [writer_of_spec()])):
        body = {**metadata(managedFields=forged), "status": {"traders": traders}}
        patched(leader, OWN, body, "--subresource", "status")
        assert [entry for entry in writers(symbols, OWN) if "f:spec" in entry["fieldsV1"]] == asked


def test_a_leader_does_not_change_when_others_wrote(symbols: Kubectl, leader: Leader) -> None:
    old = [{**entry, "time": "2020-01-01T00:00:00Z"} for entry in writers(symbols, OWN)]

    with pytest.raises(KubectlError, match=MADE_UP):
        patched(leader, OWN, {**metadata(managedFields=old), **spec(status="off")})


def test_a_status_has_bounds(symbols: Kubectl) -> None:
    """Whoever writes it: a leader's own part of it is bounded, too."""
    many = [condition(f"Type{number}") for number in range(40)]
    for status, bound in (
        ({"conditions": many}, "Too many: 40: must have at most 16 items"),
        ({"profit": "1" * 200}, "Too long: may not be more than 128 bytes"),
        (
            {"unvaluedFees": {f"A{n}": "1" for n in range(100)}},
            "Too many: 100: must have at most 64",
        ),
        ({"unvaluedFees": {"A" * 60: "1"}}, "assets have at most 50 characters"),
    ):
        with pytest.raises(KubectlError, match=bound):
            patched(symbols.run, OWN, {"status": status}, "--subresource", "status")


TRADES = {
    "traders": 3,
    "profit": "1.5",
    "unvaluedFees": {"BNB": "0.1"},
    "epoch": 2,
    "conditions": [condition(kind) for kind in ("Trading", "ShuttingDown", "Degraded")],
}


def wiped(kubectl: Kubectl) -> None:
    """Make nobody the writer of anything, as a person with the right to it may."""
    patched(kubectl.run, OWN, metadata(managedFields=[{}]), manager="alice")
    assert writers(kubectl, OWN) == []


def crowded(kubectl: Kubectl) -> None:
    """Have more people write than the API server keeps apart."""
    for number in range(12):
        patched(kubectl.run, OWN, spec(chunks=number + 1), manager=f"person-{number}")
        patched(kubectl.run, OWN, metadata(labels={f"l{number}": "x"}), manager=f"person-{number}")


def as_it_was(kubectl: Kubectl) -> None:
    """Leave it as a leader finds it mostly."""


def meddled(kubectl: Kubectl) -> None:
    """Have a person write what is the leader's to say."""
    patched(
        kubectl.run, OWN, {"status": {"traders": 9}}, "--subresource", "status", manager="alice"
    )


@pytest.mark.parametrize("found", [as_it_was, crowded, meddled, wiped])
def test_a_leader_does_what_it_is_there_for(
    symbols: Kubectl, leader: Leader, found: Callable[[Kubectl], None]
) -> None:
    """Its report, and the off patch, whoever wrote before."""
    found(symbols)
    reported(leader, OWN, TRADES)
    reported(leader, OWN, {**TRADES, "traders": 2})
    patched(leader, OWN, spec(status="off"))

    assert symbols.symbol(OWN)["spec"]["status"] == "off"
    assert symbols.symbol(OWN)["status"]["traders"] == 2


async def test_the_leaders_own_client_is_let(symbols: Kubectl, tmp_path: Path) -> None:
    symbols.patch(OWN, "shutdown")
    bound = ("--bound-object-kind", "Pod", "--bound-object-name", f"{OWN}-leader")
    token = symbols.run("create", "token", "symbol-trader", *bound).strip()
    configuration = Configuration()
    await config.load_kube_config(  # type: ignore[no-untyped-call]  # the client has no types
        config_file=str(kubeconfig_with(token, tmp_path / "kubeconfig")),
        client_configuration=configuration,
    )
    async with ApiClient(configuration) as client:
        own = ApiServerResource(
            client, symbols.namespace, OWN, lambda *what: pytest.fail(str(what))
        )
        desired = await anext(own.changes())
        said = Report(generation=desired.generation, epoch=7, trading=True, draining=True)
        await own.report(replace(said, traders=4))
        await own.report(replace(said, traders=5))
        assert await own.switch_off() is SwitchOffOutcome.WRITTEN

    found = symbols.symbol(OWN)
    assert (found["spec"]["status"], found["status"]["traders"]) == ("off", 5)


@pytest.fixture
def operator(symbols: Kubectl, tmp_path: Path) -> Leader:
    """Return kubectl as the operator."""
    kubeconfig = prepare_operator(tmp_path / "kubeconfig")
    return lambda *arguments, **more: symbols.run(
        "--kubeconfig", str(kubeconfig), *arguments, **more
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (spec(status="off"), "does not change what is asked for"),
        (metadata(labels={"a": "b"}), "changes nothing but the finalizers"),
        (metadata(finalizers=["example.com/never"]), "changes nothing but its own"),
        (metadata(managedFields=[{}]), "does not change who asked for what"),
        (metadata(managedFields=[writer_of_spec()]), "does not change who asked for what"),
    ],
)
def test_the_operator_writes_no_wishes(operator: Leader, body: dict[str, Any], why: str) -> None:
    with pytest.raises(KubectlError, match=why):
        patched(operator, OTHER, body, manager="symbol-operator")


@pytest.mark.parametrize(
    ("manager", "options"),
    [("alice", ()), ("symbol-trader", ()), ("alice", ("--subresource", "status"))],
)
def test_the_operator_writes_in_its_own_name(
    operator: Leader, manager: str, options: tuple[str, ...]
) -> None:
    body = {**metadata(finalizers=[]), "status": {"traders": 1}}

    with pytest.raises(KubectlError, match="writes as the field manager symbol-operator"):
        patched(operator, OTHER, body, *options, manager=manager)


def test_the_operator_does_what_it_is_there_for(symbols: Kubectl, operator: Leader) -> None:
    """Its finalizer comes and goes, and a status is given back to those who report it."""
    for finalizers in (["tradingsymbol.dev/deletion-policy"], []):
        patched(operator, OTHER, metadata(finalizers=finalizers), manager="symbol-operator")
        assert symbols.symbol(OTHER)["metadata"].get("finalizers", []) == finalizers
    found = symbols.symbol(OTHER)
    assert disowned(found), "a person wrote it"
    patched(operator, OTHER, metadata(managedFields=put_right(found)), manager="symbol-operator")
    assert not disowned(symbols.symbol(OTHER))
