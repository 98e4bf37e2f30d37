"""Leader pods as clusters of other people ask for them: real leaders, which trade.

Under a quota that demands limits, as a user id of the cluster's choice, with a priority, files and
variables; and the password of the database is changed while an order rests.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kind.kubectl import Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.trading import Platform, drain, image, off_writer, platform, wait_until_trading

NAME, SYMBOL = "xrp", "XRPUSDT"
ROLE = f"rotated_{secrets.token_hex(4)}"
OLD, NEW = "an-old-password-that-must-not-show", "a-new-password-that-must-not-show"
USER_ID = 1_000_660_000
"""One that no image knows, as OpenShift gives them to namespaces."""
NOTICED_S = 180.0
"""The kubelet brings a changed Secret within two minutes."""
CONFIGURED: dict[str, Any] = {
    "podSecurityContext": {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "podLabels": {"team": "a"},
    "podAnnotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
                        ]
                    }
                ]
            }
        }
    },
    "env": [{"name": "OF_THE_TEAM", "value": "a"}],
    "volumes": [{"name": "authorities", "configMap": {"name": "authorities"}}],
    "volumeMounts": [{"name": "authorities", "mountPath": "/etc/authorities", "readOnly": True}],
}


@pytest.fixture(scope="module")
def market(cluster: None, run_name: str) -> Iterator[Platform]:
    """Return an exchange and a record of this module's own, with a login that can be changed."""
    kubectl = prepare_namespace(f"{run_name}-pods-market", secrets=False)
    with platform(kubectl) as made:
        made.query(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{OLD}' IN ROLE trading")
        yield made
        made.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", ROLE
        )
        made.query(f"DROP ROLE {ROLE}")
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


def url(market: Platform, password: str) -> str:
    parts = urlsplit(market.leaders_database)
    return f"postgresql://{ROLE}:{password}@{parts.hostname}:{parts.port}{parts.path}"


@pytest.fixture(scope="module")
def home(run_name: str, market: Platform) -> Iterator[Kubectl]:
    """Return kubectl in a trading namespace with a quota, a priority class and an authority."""
    kubectl = prepare_namespace(f"{run_name}-pods", database=url(market, OLD))
    quota = {"limits.memory": "1Gi", "requests.cpu": "1", "requests.memory": "512Mi"}
    documents = [
        {"kind": "ResourceQuota", "metadata": {"name": "limits"}, "spec": {"hard": quota}},
        {"kind": "ConfigMap", "metadata": {"name": "authorities"}, "data": {"ca.crt": "ours\n"}},
    ]
    kubectl.apply("---\n".join(yaml.safe_dump({"apiVersion": "v1", **each}) for each in documents))
    kubectl.run("create", "priorityclass", kubectl.namespace, "--value=1000")
    yield kubectl
    kubectl.run("delete", "priorityclass", kubectl.namespace)
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="module")
def operator(
    home: Kubectl, market: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run an operator that is configured so."""
    process = OperatorProcess(
        image("symbol-trader"),
        [home.namespace],
        tmp_path_factory.mktemp("operator"),
        exchange=market.address,
        leader={**CONFIGURED, "priorityClassName": home.namespace},
    )
    process.start()
    yield process
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


def identity(kubectl: Kubectl) -> tuple[str, int]:
    """Return which pod leads, and how often its leader was started again."""
    pod = kubectl.leader(NAME)
    assert pod is not None
    (leader,) = pod["status"]["containerStatuses"]
    return pod["metadata"]["uid"], leader["restartCount"]


@pytest.mark.usefixtures("operator")
def test_a_leader_runs_as_it_is_told_and_its_password_is_rotated_while_an_order_rests(
    home: Kubectl, market: Platform, tmp_path: Path
) -> None:
    home.apply(manifest(NAME, "on", symbol=SYMBOL))
    wait_until_trading(home, NAME)
    runs_as_it_is_told(home)

    market.freeze(SYMBOL)
    leads = identity(home)
    market.query(f"ALTER ROLE {ROLE} PASSWORD '{NEW}'")
    market.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", ROLE)
    eventually(
        lambda: condition(home.symbol(NAME), "Degraded").get("reason") == "DatabaseUnreachable",
        what="the old password is refused",
    )
    changed = {"stringData": {"url": url(market, NEW)}}
    home.run("patch", "secret", "trading-database", "--patch", yaml.safe_dump(changed))
    eventually(
        lambda: condition(home.symbol(NAME), "Ready").get("status") == "True",
        within=NOTICED_S,
        what="the new one is taken up",
    )
    assert identity(home) == leads
    market.exchange("resume")

    home.patch(NAME, "shutdown")
    drain(home, market, {NAME: SYMBOL})
    assert off_writer(home, NAME) == "symbol-trader"
    assert market.books(SYMBOL, tmp_path).differences == ()


def runs_as_it_is_told(kubectl: Kubectl) -> None:
    pod = kubectl.leader(NAME)
    assert pod is not None
    metadata, spec = pod["metadata"], pod["spec"]
    assert metadata["labels"]["team"] == "a"
    assert metadata["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert (spec["priorityClassName"], spec["priority"]) == (kubectl.namespace, 1000)
    assert spec["affinity"] == CONFIGURED["affinity"]
    (spread,) = spec["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    script = "id -u; cat /etc/authorities/ca.crt; echo $OF_THE_TEAM"
    said = kubectl.run("exec", f"{NAME}-leader", "--", "sh", "-c", script)
    assert said.split() == [str(USER_ID), "ours", "a"]
    shown = kubectl.run("get", "pods,tsym,events", "-o", "json")
    assert OLD not in shown
