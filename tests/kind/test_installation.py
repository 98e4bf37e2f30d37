"""A newcomer's way with Helm: install, trade, upgrade, go back, shut down, uninstall.

It takes over what kustomize has installed for the demonstration, database and exchange included.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from kind.kubectl import (
    KUBECONFIG,
    PROJECT,
    Kubectl,
    KubectlError,
    eventually,
    kubectl_trading,
    manifest,
)
from kind.machines import docker, node
from kind.operating import CLUSTER, ON_TRADING_NODE
from kind.trading import SYSTEM, image, wait_until_trading
from support.go import HELM
from tradingsymbol_api.names import GROUP, LEADER_SELECTOR, PLURAL

CHART = PROJECT / "manifests" / "chart"
REGISTRY = "docker.io/library"
"""What a node puts before names without a registry."""
EXCHANGE = "ws://paper-exchange.trading-system:9443"
HOME = Kubectl("trading")
NAME = "newcomer"
DEFINITION = f"{PLURAL}.{GROUP}"

pytestmark = pytest.mark.alone


def install(version: Callable[[str], str]) -> None:
    """Install or upgrade as docs/how-to/install.md says; `version` tells a program's image."""
    entry = {"name": "paper", "environment": "paper", "secret": "paper-credentials"}
    values: dict[str, Any] = {
        "images": {"operator": version("symbol-operator"), "trader": version("symbol-trader")},
        "exchanges": [{**entry, "apiUrl": f"{EXCHANGE}/ws-api/v3", "streamUrl": EXCHANGE}],
        "settings": {"leader": {"nodeSelector": ON_TRADING_NODE}},
        "networkPolicies": True,
        "dashboard": True,
    }
    options = ("--install", "trading", str(CHART), "--take-ownership", "--values", "-")
    helm("upgrade", *options, stdin=yaml.safe_dump(values))


def database_secret() -> None:
    """Give the migration its Secret, as docs/how-to/install.md says.

    The demonstration has one that is named by hash.
    """
    found = HOME.find("secret", "trading-database")
    assert found is not None
    metadata = {"name": "trading-database", "namespace": SYSTEM.namespace}
    kept = {key: found[key] for key in ("apiVersion", "kind", "type", "data")}
    SYSTEM.apply(yaml.safe_dump({**kept, "metadata": metadata}))


def next_version(program: str) -> str:
    """Return the image of a version that differs in nothing but its name."""
    return f"{program}:next"


def give_next_version() -> None:
    """Put the images of the next version on the nodes that run them."""
    tag = ("ctr", "-n", "k8s.io", "images", "tag", "--force")
    for program in ("symbol-operator", "symbol-trader"):
        names = (f"{REGISTRY}/{image(program)}", f"{REGISTRY}/{next_version(program)}")
        for role in ("platform", "trading"):
            docker("exec", node(role), *tag, *names)


def definition(**fields: object) -> None:
    """Apply the resource's definition, with more fields than this version has."""
    document = yaml.safe_load((PROJECT / "crds" / "tradingsymbol.yaml").read_text())
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"] |= fields
    HOME.apply(yaml.safe_dump(document), "--server-side")


def helm(*arguments: str, stdin: str | None = None) -> None:
    """Run Helm on the project's own cluster."""
    where = ("--kubeconfig", str(KUBECONFIG), "--namespace", SYSTEM.namespace)
    done = subprocess.run(
        [str(HELM.find()), *arguments, *where],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def removed_again(cluster: None) -> Iterator[None]:
    """Install what the demonstration has once the test is over.

    Its leaders' tokens went with their account: new pods go on where they were.
    """
    yield
    SYSTEM.run("delete", "secret", "trading-database", "--ignore-not-found")
    subprocess.run([sys.executable, str(CLUSTER), "deploy"], check=True, capture_output=True)
    HOME.run("delete", "pods", "--selector", LEADER_SELECTOR)


@pytest.mark.usefixtures("removed_again")
def test_a_newcomers_way_with_helm() -> None:
    database_secret()
    install(image)
    HOME.apply(manifest(NAME, symbol="VETUSDT", shutdown={"deadline": "5s"}))
    assert kubectl_trading(HOME, "start", NAME)[0] == 0
    wait_until_trading(HOME, NAME)

    give_next_version()
    definition(comment={"type": "string"})
    install(next_version)
    wait_until_led_by(next_version("symbol-trader"))
    helm("rollback", "trading", "1")
    definition()
    wait_until_led_by(image("symbol-trader"))
    assert kubectl_trading(HOME, "audit", NAME)[0] == 0

    code, lines = kubectl_trading(HOME, "shutdown", NAME, "--wait", "--timeout", "2m")
    assert code == 0, lines
    HOME.run("delete", "tradingsymbol", NAME, "--timeout=60s")
    helm("uninstall", "trading", "--wait")

    assert SYSTEM.find("deployment", "symbol-operator") is None
    assert HOME.find("secret", "trading-database"), "what Helm did not bring stays"
    with pytest.raises(KubectlError):
        HOME.run("get", "serviceaccount", "symbol-trader")
    assert HOME.find("tradingsymbol", NAME) is None
    assert SYSTEM.find("customresourcedefinition", DEFINITION), "the definition stays"


def wait_until_led_by(version: str) -> None:
    """Wait until operator and leader are of a version, and trade."""
    SYSTEM.run("rollout", "status", "deployment/symbol-operator", "--timeout=90s")
    eventually(lambda: image_of(HOME.leader(NAME)) == version, what="the leader made way")
    wait_until_trading(HOME, NAME)


def image_of(pod: dict[str, Any] | None) -> str | None:
    """Read the image of a leader pod."""
    return str(pod["spec"]["containers"][0]["image"]) if pod else None
