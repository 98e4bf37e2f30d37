"""A real Prometheus scrapes the cluster, and every query of the dashboard has an answer."""

import base64
import json
import re
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kind.kubectl import KUBECONFIG, PROJECT, Kubectl, eventually, manifest
from kind.trading import wait_until_trading
from support.prometheus import find_programs

DASHBOARD = PROJECT / "manifests" / "components" / "dashboard" / "trading.json"
SCRAPE_S = 1
SYMBOL = "HBARUSDT"
KEPT = "app_kubernetes_io_name"


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


def configuration(folder: Path, namespaces: list[str]) -> dict[str, Any]:
    """Scrape what the monitors select, by way of the API server: it reaches the pods."""
    address, tls = kubeconfig_files(folder)
    path = "/api/v1/namespaces/$1/pods/$2:8080/proxy/metrics"
    meta = "__meta_kubernetes"
    job = {
        "job_name": "pods",
        "scheme": "https",
        "tls_config": tls,
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "kubeconfig_file": str(KUBECONFIG),
                "namespaces": {"names": namespaces},
            }
        ],
        "relabel_configs": [
            {
                "source_labels": [f"{meta}_pod_label_{KEPT}", f"{meta}_pod_container_port_name"],
                "regex": "symbol-(operator|trader);http",
                "action": "keep",
            },
            {
                "source_labels": [f"{meta}_namespace", f"{meta}_pod_name"],
                "regex": "(.+);(.+)",
                "replacement": path,
                "target_label": "__metrics_path__",
            },
            {"target_label": "__address__", "replacement": address},
            {"source_labels": [f"{meta}_namespace"], "target_label": "namespace"},
        ],
        # As the operator's monitor has it.
        "honor_labels": True,
    }
    times = {"scrape_interval": f"{SCRAPE_S}s"}
    return {"global": times, "scrape_configs": [job]}


class Prometheus:
    """A Prometheus of this test's own."""

    def __init__(self, folder: Path, namespaces: list[str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        config = folder / "prometheus.yaml"
        config.write_text(yaml.safe_dump(configuration(folder, namespaces)))
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


@pytest.fixture
def prometheus(home: Kubectl, tmp_path: Path) -> Iterator[Prometheus]:
    """Scrape this run's leaders, and the operator of the installation."""
    server = Prometheus(tmp_path, [home.namespace, "trading-system"])
    yield server
    server.end()


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


@pytest.mark.usefixtures("real_operator")
def test_every_query_of_the_dashboard_has_an_answer(home: Kubectl, prometheus: Prometheus) -> None:
    home.apply(manifest("hbar", "on", symbol=SYMBOL, maxBuyAge="5s"))
    wait_until_trading(home, "hbar")
    alive = f'symbol_trader_traders{{symbol="{SYMBOL}"}}'
    eventually(lambda: prometheus.query(alive), what="the leader is scraped")
    missing = expressions()

    def answered() -> bool:
        missing[:] = [(title, query) for title, query in missing if not prometheus.query(query)]
        return not missing

    eventually(answered, within=180, what=missing)
    home.patch("hbar", "off")
    home.run("delete", "tradingsymbol", "hbar", "--timeout=60s")
