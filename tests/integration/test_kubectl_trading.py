"""`kubectl trading` and an API server: which requests it makes, and what becomes of answers.

The API server is a table of answers, since a real one cannot be told to refuse or to lack things
at will; `tests/kind` has a real one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError, Conflict, NotFound, Refused, Where
from kubectl_trading.pods import LogOptions, log_lines, run_in_leader
from kubectl_trading.symbols import Symbol

SYMBOLS = "/apis/tradingsymbol.dev/v1alpha1/namespaces/trading/tradingsymbols"
LIMITS = "/apis/tradingsymbol.dev/v1alpha1/namespaces/trading/tradinglimits"
EVERYWHERE = "/apis/tradingsymbol.dev/v1alpha1/tradingsymbols"
SCRIPTS = Path(sys.executable).parent
POLL_S = 0.01
"""How often the server looks whether it is to end."""
DATE = "Thu, 01 Jan 2026 13:00:00 GMT"


def symbol(name: str, namespace: str = "trading") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": "7", "generation": 1}
    return {"metadata": metadata, "spec": {"status": "on"}, "status": {"observedGeneration": 1}}


def status(code: int, reason: str, message: str) -> tuple[int, str]:
    said = {"kind": "Status", "reason": reason, "message": message, "code": code}
    return code, json.dumps(said)


MISSING = status(404, "NotFound", 'tradingsymbols.tradingsymbol.dev "xrp" not found')
FORBIDDEN = status(403, "Forbidden", 'namespaces is forbidden: User "jane" cannot get it')


@dataclass
class Answers:
    """Answers by method and path; what has none is not found. `asked` is what came in."""

    port: int
    known: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, list[str]], dict[str, str]]] = field(default_factory=list)

    bodies: list[Any] = field(default_factory=list)

    def give(self, path: str, answer: object, method: str = "GET") -> None:
        given = answer if isinstance(answer, tuple) else (200, json.dumps(answer))
        self.known[method, path] = given

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.asked]


@pytest.fixture
def api() -> Iterator[Answers]:
    """Serve answers on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            at = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answers.bodies.append(json.loads(body or "null"))
            answers.asked.append(
                (self.command, at.path, parse_qs(at.query), dict(self.headers.items()))
            )
            code, text = answers.known.get((self.command, at.path), MISSING)
            self.send_response_only(code)
            self.send_header("Date", DATE)
            self.send_header(
                "Content-Type", "application/json" if text[:1] == "{" else "text/plain"
            )
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PATCH = answer  # noqa: N815 - the server finds them by these names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        answers = Answers(server.server_port)
        thread = Thread(target=server.serve_forever, args=[POLL_S])
        thread.start()
        yield answers
        server.shutdown()
        thread.join()


@pytest.fixture
def where(api: Answers, tmp_path: Path) -> Where:
    """Write a kubeconfig for it; its context has the namespace `trading`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{api.port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "trading"}},
            {"name": "plain", "context": {"cluster": "c", "user": "u"}},
        ],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    return Where(str(tmp_path / "config"))


def test_one_name_takes_the_right_to_get_and_patch_it(api: Answers, where: Where) -> None:
    """And to start it takes no other request."""
    api.give(f"{SYMBOLS}/xrp", symbol("xrp"))
    api.give(f"{SYMBOLS}/xrp", symbol("xrp"), "PATCH")
    cluster = Cluster(where)
    (found,) = cluster.symbols.named("xrp")
    cluster.symbols.write(found, {"status": "off"})
    assert api.paths() == [f"GET {SYMBOLS}/xrp", f"PATCH {SYMBOLS}/xrp"]
    assert cluster.now == datetime(2026, 1, 1, 13, tzinfo=UTC)


def test_one_limit_takes_the_right_to_get_and_patch_it(api: Answers, where: Where) -> None:
    """A halt overrides what others have written meanwhile, and a resume does not."""
    api.give(f"{LIMITS}/all", symbol("all"))
    api.give(f"{LIMITS}/all", symbol("all"), "PATCH")
    limits = Cluster(where).limits
    (found,) = limits.named("all")
    limits.write(found, {"halt": True}, whatever_it_says=True)
    limits.write(found, {"halt": False})
    assert api.paths() == [f"GET {LIMITS}/all", *[f"PATCH {LIMITS}/all"] * 2]
    assert api.bodies[1:] == [
        {"metadata": {}, "spec": {"halt": True}},
        {"metadata": {"resourceVersion": "7"}, "spec": {"halt": False}},
    ]
    api.give(f"{LIMITS}/all", status(409, "Conflict", "changed"), "PATCH")
    with pytest.raises(Conflict):
        limits.write(found, {"halt": False})


def test_a_name_that_is_not_there_is_told_with_those_that_are(api: Answers, where: Where) -> None:
    api.give("/api/v1/namespaces/trading", {"metadata": {"name": "trading"}})
    api.give(SYMBOLS, {"items": [symbol("ada"), symbol("ltc")], "metadata": {}})
    with pytest.raises(NotFound, match=r"named xrp in namespace trading; there are: ada, ltc$"):
        Cluster(where).symbols.named("xrp")
    api.give(SYMBOLS, FORBIDDEN)
    with pytest.raises(NotFound, match=r"named xrp in namespace trading$"):
        Cluster(where).symbols.named("xrp")


def test_a_namespace_that_is_not_there_is_an_error(api: Answers, where: Where) -> None:
    """The API server answers with an empty list."""
    api.give(SYMBOLS, {"items": [], "metadata": {}})
    cluster = Cluster(where)
    for ask in (
        cluster.symbols.list,
        lambda: cluster.symbols.named("xrp"),
        cluster.require_namespace,
    ):
        with pytest.raises(ClusterError, match="there is no namespace trading"):
            ask()
    api.give("/api/v1/namespaces/trading", FORBIDDEN)
    assert cluster.symbols.list() == []


def test_without_the_resource_in_the_cluster_it_says_what_to_install(
    api: Answers, where: Where
) -> None:
    api.give(f"{SYMBOLS}/xrp", (404, "404 page not found\n"))
    with pytest.raises(ClusterError, match="knows no TradingSymbols: install the operator"):
        Cluster(where).symbols.get("xrp")
    api.give(LIMITS, (404, "404 page not found\n"))
    with pytest.raises(ClusterError, match="knows no TradingLimits: install the operator"):
        Cluster(where).limits.list()


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (FORBIDDEN, Refused, "refuses: namespaces is forbidden"),
        ((401, "no"), Refused, "refuses: Unauthorized"),
        (status(409, "Conflict", "changed"), Conflict, "changed by others"),
        (status(500, "InternalError", "etcd"), ClusterError, "refuses: 500"),
    ],
)
def test_what_is_refused_is_said(
    api: Answers, where: Where, answer: object, kind: type[Exception], text: str
) -> None:
    api.give(f"{SYMBOLS}/xrp", answer)
    with pytest.raises(kind, match=text):
        Cluster(where).symbols.get("xrp")


def test_an_api_server_that_is_away_is_said(where: Where, api: Answers, tmp_path: Path) -> None:
    away = Path(str(where.kubeconfig)).read_text().replace(f":{api.port}", ":1")
    (tmp_path / "away").write_text(away)
    with pytest.raises(ClusterError, match="cannot be reached"):
        Cluster(Where(str(tmp_path / "away"))).symbols.get("xrp")


def test_all_namespaces_are_asked_for_every_namesake(api: Answers, where: Where) -> None:
    items = [symbol("xrp"), symbol("xrp", "other")]
    api.give(EVERYWHERE, {"items": items, "metadata": {}})
    cluster = Cluster(Where(where.kubeconfig, all_namespaces=True))
    assert [found.namespace for found in cluster.symbols.named("xrp")] == ["trading", "other"]
    assert api.asked[0][2] == {"fieldSelector": ["metadata.name=xrp"]}
    api.give(EVERYWHERE, {"items": [], "metadata": {}})
    with pytest.raises(NotFound, match="named xrp in any namespace"):
        cluster.symbols.named("xrp")


def test_a_watch_of_one_name_is_limited_to_it(api: Answers, where: Where) -> None:
    """So RBAC can limit the right to it."""
    api.give(SYMBOLS, (200, json.dumps({"type": "ADDED", "object": symbol("xrp")}) + "\n"))
    ((found, gone),) = Cluster(where).symbols.changes(1, "xrp")
    assert (found.name, gone) == ("xrp", False)
    query = api.asked[0][2]
    assert query["fieldSelector"] == ["metadata.name=xrp"]
    assert query["watch"] == ["true"]
    api.give(SYMBOLS, FORBIDDEN)
    with pytest.raises(Refused):
        list(Cluster(where).symbols.changes(1, "xrp"))


def test_somebody_else_is_impersonated_in_each_request(api: Answers, where: Where) -> None:
    api.give(f"{SYMBOLS}/xrp", symbol("xrp"))
    Cluster(Where(where.kubeconfig, user="jane")).symbols.get("xrp")
    Cluster(where).symbols.get("xrp")
    asked = [headers.get("Impersonate-User") for *_, headers in api.asked]
    assert asked == ["jane", None]


def test_the_namespace_is_the_contexts_unless_it_is_named(where: Where) -> None:
    assert Cluster(where).namespace == "trading"
    assert Cluster(Where(where.kubeconfig, "plain")).namespace == "default"
    assert Cluster(Where(where.kubeconfig, namespace="other")).namespace == "other"
    with pytest.raises(ClusterError, match="no cluster to connect to"):
        Cluster(Where(where.kubeconfig, "nosuch"))


def test_events_of_the_symbol_and_of_its_leader_come_in_their_order(
    api: Answers, where: Where
) -> None:
    def event(name: str, at: str, **more: Any) -> dict[str, Any]:
        about = {"kind": "TradingSymbol", "name": "xrp"}
        metadata = {"name": name, "namespace": "trading", "creationTimestamp": at}
        return {"metadata": metadata, "involvedObject": about, "reason": name} | more

    later = event("Later", "2026-01-01T10:00:00Z", lastTimestamp="2026-01-01T12:00:00Z")
    sooner = event("Sooner", "2026-01-01T11:00:00Z", message="two\nlines", type="Normal")
    path = "/api/v1/namespaces/trading/events"
    api.give(path, {"items": [later, sooner]})
    found = Cluster(where).events(Symbol.of(symbol("xrp")))
    assert [each.reason for each in found] == ["Sooner", "Sooner", "Later", "Later"]
    assert (found[0].note, found[0].about) == ("two lines", "tradingsymbol/xrp")
    assert [query["fieldSelector"] for _, _, query, _ in api.asked] == [
        ["involvedObject.kind=TradingSymbol,involvedObject.name=xrp"],
        ["involvedObject.kind=Pod,involvedObject.name=xrp-leader"],
    ]


@pytest.mark.parametrize(
    ("variables", "cluster"),
    [
        ([{"name": "SYMBOL_TRADER_CLUSTER", "value": "uid"}], "uid"),
        ([{"name": "OTHER", "value": "x"}], ""),
        (None, ""),
    ],
)
def test_a_leader_says_which_cluster_it_is_of(
    api: Answers, where: Where, variables: object, cluster: str
) -> None:
    of_another = [{"name": "SYMBOL_TRADER_CLUSTER", "value": "of the proxy"}]
    containers = [{"name": "proxy", "env": of_another}, {"name": "leader", "env": variables}]
    pod = {"metadata": {"name": "xrp-leader"}, "spec": {"containers": containers}}
    api.give("/api/v1/namespaces/trading/pods/xrp-leader", pod)
    assert Cluster(where).leader_cluster(Symbol.of(symbol("xrp"))) == cluster


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a kubectl on PATH that notes its arguments, prints two lines, and does as `does` says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "kubectl"
    script = f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\necho one\necho two\n. {tmp_path}/does\n'
    program.write_text(script)
    program.chmod(0o755)
    (tmp_path / "does").write_text("")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return tmp_path


def test_what_runs_in_the_leader_runs_there_as_the_same_person(kubectl: Path) -> None:
    place = Where("config", "kind", user="jane")
    (kubectl / "does").write_text("exit 3")
    assert run_in_leader(place, Symbol.of(symbol("xrp")), ["symbol-trader", "audit"]) == 3
    assert (kubectl / "asked").read_text() == (
        "exec --kubeconfig=config --context=kind --as=jane --namespace=trading xrp-leader "
        "--container=leader -- symbol-trader audit\n"
    )


def test_the_leaders_log_is_kubectls(kubectl: Path) -> None:
    found = log_lines(Where(), Symbol.of(symbol("xrp")), LogOptions(tail=2))
    assert list(found) == ["one", "two"]
    assert (kubectl / "asked").read_text() == (
        "logs --namespace=trading xrp-leader --tail=2 --container=leader\n"
    )
    (kubectl / "does").write_text('echo "Error: pods not found" >&2; exit 1')
    lines = log_lines(Where(), Symbol.of(symbol("xrp")), LogOptions())
    assert next(lines) == "one"
    with pytest.raises(ClusterError, match="Error: pods not found"):
        list(lines)


def test_a_log_that_is_followed_ends_with_its_reader(kubectl: Path) -> None:
    (kubectl / "does").write_text("exec sleep 600")
    lines = log_lines(Where(), Symbol.of(symbol("xrp")), LogOptions(follow=True))
    assert next(lines) == "one"
    lines.close()  # type: ignore[attr-defined]  # it is a generator


def test_without_kubectl_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for reach in (
        lambda: run_in_leader(Where(), Symbol.of(symbol("xrp")), ["true"]),
        lambda: list(log_lines(Where(), Symbol.of(symbol("xrp")), LogOptions())),
    ):
        with pytest.raises(ClusterError, match="kubectl is not on PATH"):
            reach()


def test_kubectl_and_bash_complete_by_what_is_printed(
    api: Answers, where: Where, tmp_path: Path
) -> None:
    api.give(SYMBOLS, {"items": [symbol("ada"), symbol("xrp")], "metadata": {}})
    environment = os.environ | {
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": str(where.kubeconfig),
    }

    def output(*command: str) -> str:
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    hook = tmp_path / "kubectl_complete-trading"
    hook.write_text(output("kubectl-trading", "completion", "kubectl"))
    hook.chmod(0o755)
    assert output(str(hook), "stop", "--namespace", "trading", "x").splitlines() == ["xrp", ":4"]
    script = (
        'source <(kubectl-trading completion bash)\nCOMP_WORDS=(kubectl-trading stop "")\n'
        '_kubectl_trading_completion kubectl-trading\necho "${COMPREPLY[@]}"'
    )
    environment["COMP_CWORD"] = "2"
    assert output("bash", "-c", script) == "ada xrp\n"
