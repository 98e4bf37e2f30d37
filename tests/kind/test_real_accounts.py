"""Keys of both kinds over TLS, through a proxy, and entries of each environment: real leaders.

Demo, testnet and live are the cluster's own exchange here, by overridden addresses: it is the path
of the code that is tried, and not Binance.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kind.kubectl import PROJECT, Kubectl, kubectl_trading, manifest
from kind.operating import OperatorProcess, exchange_entry, prepare_namespace
from kind.trading import (
    FILES,
    Platform,
    drain,
    host,
    image,
    off_writer,
    platform,
    wait_until_trading,
)
from support.authorities import Authority, authority_in
from support.keys import ED25519, HMAC, MadeKey, account_of

KEYS = {kind: MadeKey(kind, f"the-{kind}-key-that-must-not-show") for kind in (ED25519, HMAC)}
ENVIRONMENTS = {
    "ed25519": "paper",
    "hmac": "paper",
    "demo": "demo",
    "testnet": "testnet",
    "live": "live",
}
"""The environment of each entry. Each has one symbol, which has the entry's name."""
TRADED = dict(
    zip(ENVIRONMENTS, ("XRPUSDT", "UNIUSDT", "APTUSDT", "SUIUSDT", "ADAUSDT"), strict=True)
)
USER, PASSWORD = "trader", "a-password-that-must-not-show"
PROXY_PORT = 1080
OPTIONS = (
    "--accounts=/files/accounts.json",
    "--tls-cert=/files/tls.crt",
    "--tls-key=/files/tls.key",
)
AUTHORITIES = "authorities"
PROXY = """\
apiVersion: v1
kind: Service
metadata: {{name: proxy}}
spec:
  selector: {{app: proxy}}
  ports: [{{port: {port}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: proxy, labels: {{app: proxy}}}}
spec:
  nodeSelector: {{role: platform}}
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    seccompProfile: {{type: RuntimeDefault}}
  containers:
  - name: proxy
    image: {image}
    command: [python3, /program/proxies.py, "{port}", {user}, {password}]
    readinessProbe: {{tcpSocket: {{port: {port}}}, periodSeconds: 1}}
    securityContext:
      allowPrivilegeEscalation: false
      capabilities: {{drop: [ALL]}}
    volumeMounts: [{{name: program, mountPath: /program, readOnly: true}}]
  volumes: [{{name: program, configMap: {{name: proxy}}}}]
"""


def secret(name: str, files: Mapping[str, bytes]) -> str:
    """Write a Secret."""
    data = {key: b64encode(content).decode() for key, content in files.items()}
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "data": data})


def config_map(name: str, path: Path, key: str) -> str:
    """Write a ConfigMap of one file."""
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "data": {key: path.read_text(encoding="utf-8")}})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return the authority that has signed the exchange's certificate."""
    return authority_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def market(cluster: None, run_name: str, authority: Authority) -> Iterator[Platform]:
    """Return an exchange with keys of both kinds, over TLS alone, and a proxy beside it."""
    kubectl = prepare_namespace(f"{run_name}-tls", secrets=False)
    shown = authority.certify(host(kubectl))
    account = account_of("ours", *KEYS.values(), balances={"USDT": "1000000"})
    files = {
        "accounts.json": json.dumps([account]).encode(),
        "tls.crt": shown.certificate.read_bytes(),
        "tls.key": shown.key.read_bytes(),
    }
    kubectl.apply(secret(FILES, files))
    kubectl.apply(config_map("proxy", PROJECT / "tests" / "support" / "proxies.py", "proxies.py"))
    told = {"port": PROXY_PORT, "user": USER, "password": PASSWORD}
    kubectl.apply(PROXY.format(image=image("paper-exchange"), **told))
    kubectl.run("wait", "pod/proxy", "--for=condition=Ready", "--timeout=60s")
    with platform(kubectl, OPTIONS, tls=True) as made:
        yield made
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="module")
def accounts(run_name: str, market: Platform, authority: Authority) -> Iterator[Kubectl]:
    """Return kubectl in a namespace with what the entries name."""
    kubectl = prepare_namespace(f"{run_name}-accounts", database=market.leaders_database)
    proxy = f"socks5h://{USER}:{PASSWORD}@proxy.{market.kubectl.namespace}:{PROXY_PORT}"
    for document in (
        *(secret(f"{name}-credentials", key_of(name).files) for name in ENVIRONMENTS),
        secret("proxy", {"url": proxy.encode()}),
        secret(AUTHORITIES, {"ca.crt": authority.file.read_bytes()}),
        config_map(AUTHORITIES, authority.file, "ca.crt"),
    ):
        kubectl.apply(document)
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


def key_of(name: str) -> MadeKey:
    return KEYS[HMAC if name == "hmac" else ED25519]


def entries(market: Platform) -> list[dict[str, Any]]:
    """Write the operator's exchange entries."""
    more: dict[str, dict[str, Any]] = {name: {"caConfigMap": AUTHORITIES} for name in ENVIRONMENTS}
    more["hmac"] = {"caSecret": AUTHORITIES, "proxySecret": "proxy", "addressGroup": "behind-proxy"}
    more["live"] |= {"realMoney": True, "restUrl": f"https://{market.host}"}
    return [
        exchange_entry(name, environment, market.address, **more[name])
        for name, environment in ENVIRONMENTS.items()
    ]


@pytest.fixture(scope="module")
def leading(
    market: Platform, accounts: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run the operator with those entries."""
    process = OperatorProcess(
        image("symbol-trader"),
        [accounts.namespace],
        tmp_path_factory.mktemp("operator"),
        entries=entries(market),
    )
    process.start()
    yield process
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


@pytest.mark.usefixtures("leading")
def test_each_kind_of_key_and_each_environment_trades_and_shuts_down(
    accounts: Kubectl, market: Platform, tmp_path: Path
) -> None:
    symbols = (manifest(n, "on", symbol=s, exchange=n) for n, s in TRADED.items())
    accounts.apply("---\n".join(symbols))
    for name in TRADED:
        wait_until_trading(accounts, name)

    told = {name: accounts.symbol(name)["status"]["environment"] for name in TRADED}
    assert told == ENVIRONMENTS
    for name in TRADED:
        code, lines = kubectl_trading(accounts, "audit", name)
        assert code == 0, lines
    says_once_that_hmac_is_deprecated(accounts)
    groups = market.query("SELECT environment, scope FROM limit_slots WHERE kind = 'connections'")
    assert {tuple(row) for row in groups} == {
        ("paper", "behind-proxy"),
        *((environment, "default") for environment in ENVIRONMENTS.values()),
    }
    assert set(market.kubectl.run("logs", "proxy").splitlines()) == {f"asked for {market.host}"}
    nothing_secret_shows(accounts)

    for name in TRADED:
        accounts.patch(name, "shutdown")
    drain(accounts, market, TRADED)
    for name, symbol in TRADED.items():
        assert off_writer(accounts, name) == "symbol-trader"
        comparison = market.books(symbol, tmp_path, environment=ENVIRONMENTS[name])
        assert comparison.differences == ()
        assert comparison.cycles >= 1


def says_once_that_hmac_is_deprecated(kubectl: Kubectl) -> None:
    warnings = {name: log_of(kubectl, name).count("Binance calls deprecated") for name in TRADED}
    assert warnings == {name: name == "hmac" for name in TRADED}


def log_of(kubectl: Kubectl, name: str) -> str:
    return kubectl.run("logs", f"{name}-leader")


def nothing_secret_shows(kubectl: Kubectl) -> None:
    """Search what the leaders say, and what the cluster shows of them."""
    shown = [kubectl.run("get", "tsym,pods,events", "-o", "json")]
    text = "\n".join([*shown, *(log_of(kubectl, name) for name in TRADED)])
    secrets = [PASSWORD, *(part for key in KEYS.values() for part in key.parts)]
    assert [part for part in secrets if part in text] == []
