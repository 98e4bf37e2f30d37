"""A leader's token, in the wrong hands: what its pod's resource does not need is refused.

The account is given every right on TradingSymbols here, so that the admission policy stands alone.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kind.kubectl import Kubectl, KubectlError, manifest
from kind.operating import kubeconfig_with, prepare_namespace

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
REPORTED = {
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


def patched(run: Leader, name: str, body: dict[str, Any], *options: str) -> str:
    return run(
        "patch", "tradingsymbol", name, "--type", "merge", "--patch", json.dumps(body), *options
    )


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
        (OWN, {"conditions": []}, "the operator's conditions"),
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


def test_a_leader_does_what_it_is_there_for(symbols: Kubectl, leader: Leader) -> None:
    """Its status, its own conditions, and the off patch."""
    patched(leader, OWN, {"status": {"traders": 3}}, "--subresource", "status")
    patched(leader, OWN, spec(status="off"))

    assert symbols.symbol(OWN)["spec"]["status"] == "off"
