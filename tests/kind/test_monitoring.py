"""A real Prometheus scrapes the cluster, and every query of the dashboard has an answer."""

import base64
import itertools
import json
import re
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kind.kubectl import KUBECONFIG, PROJECT, Kubectl, eventually, manifest
from kind.operating import OperatorProcess
from kind.trading import wait_until_trading
from support.prometheus import find_programs

DASHBOARD = PROJECT / "manifests" / "components" / "dashboard" / "trading.json"
SCRAPE_S = 1
SELECTED = "app.kubernetes.io/name in (symbol-operator, symbol-trader)"


def kubeconfig_files(folder: Path) -> tuple[str, dict[str, str]]:
    """Write the kubeconfig's certificates as files; returns the server and Prometheus' TLS part."""
    document = yaml.safe_load(KUBECONFIG.read_text())
    (cluster,), (user,) = document["clusters"], document["users"]
    parts = {
        "ca_file": cluster["cluster"]["certificate-authority-data"],
        "cert_file": user["user"]["client-certificate-data"],
        "key_file": user["user"]["client-key-data"],
    }
    for name, data in parts.items():
        (folder / name).write_bytes(base64.b64decode(data))
    address = urllib.parse.urlsplit(cluster["cluster"]["server"]).netloc
    return address, {name: str(folder / name) for name in parts}


def configuration(folder: Path, pods: list[dict[str, Any]]) -> dict[str, Any]:
    """Scrape these pods by way of the API server, which reaches them.

    Debian's Prometheus knows no Kubernetes: what it would discover there is listed.
    """
    address, tls = kubeconfig_files(folder)
    targets = [{"targets": [address], "labels": labels(pod)} for pod in pods]
    job = {
        "job_name": "pods",
        "scheme": "https",
        "tls_config": tls,
        "static_configs": targets,
        # As the operator's monitor has it.
        "honor_labels": True,
    }
    times = {"scrape_interval": f"{SCRAPE_S}s"}
    return {"global": times, "scrape_configs": [job]}


def labels(pod: dict[str, Any]) -> dict[str, str]:
    """Return what a target of the monitors is labelled with, and where it is."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    path = f"/api/v1/namespaces/{namespace}/pods/{name}:8080/proxy/metrics"
    return {"__metrics_path__": path, "namespace": namespace, "pod": name}


def monitored(*namespaces: Kubectl) -> list[dict[str, Any]]:
    """Find the pods that the monitors select."""
    found = [namespace.list("pods", "--selector", SELECTED) for namespace in namespaces]
    return [pod for pods in found for pod in pods]


class Prometheus:
    """A Prometheus of this test's own."""

    def __init__(self, folder: Path, pods: list[dict[str, Any]]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        config = folder / "prometheus.yaml"
        config.write_text(yaml.safe_dump(configuration(folder, pods)))
        self._log = (folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                find_programs() / "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self._address}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now; none while it does not answer."""
        query = urllib.parse.urlencode({"query": expression})
        url = f"http://{self._address}/api/v1/query?{query}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return [item for item in found if item["value"][1] != "NaN"]

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()


def expressions() -> list[tuple[str, str]]:
    """Return the dashboard's queries by panel, over a span that a test can wait for."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    targets = [(panel["title"], target) for panel in panels for target in panel["targets"]]
    return [(title, shortened(target["expr"])) for title, target in targets]


def shortened(expression: str) -> str:
    """Fill in the dashboard's variables as "All", and look at seconds where it looks at minutes."""
    for variable in ("$namespace", "$symbol"):
        expression = expression.replace(variable, ".*")
    return re.sub(r"\[5m\]", "[30s]", expression)


@pytest.fixture
def prometheus(
    home: Kubectl, real_operator: OperatorProcess, tmp_path: Path
) -> Iterator[Prometheus]:
    """Scrape a leader, and the operator of the installation."""
    home.apply(manifest("hbar", "on", symbol="HBARUSDT", maxBuyAge="5s"))
    wait_until_trading(home, "hbar")
    pods = monitored(home, Kubectl("trading-system"))
    assert len(pods) >= 2
    server = Prometheus(tmp_path, pods)
    yield server
    server.end()
    home.run("delete", "tradingsymbol", "hbar", "--timeout=60s")


@pytest.fixture
def busy() -> Iterator[Callable[[], None]]:
    """Give the installation's operator something to do, whenever this is called."""
    trading, name = Kubectl("trading"), "monitored"
    trading.apply(manifest(name, "off"))
    chunks = itertools.cycle(range(1, 10))

    def change() -> None:
        body = json.dumps({"spec": {"chunks": next(chunks)}})
        trading.run("patch", "tsym", name, "--type", "merge", "--patch", body)

    yield change
    trading.run("delete", "tradingsymbol", name, "--timeout=60s")


def test_every_query_of_the_dashboard_has_an_answer(
    prometheus: Prometheus, busy: Callable[[], None]
) -> None:
    missing = expressions()
    assert missing

    def answered() -> bool:
        busy()
        missing[:] = [(title, query) for title, query in missing if not prometheus.query(query)]
        return not missing

    eventually(answered, within=180, what=missing)
