"""What Tab finds, by the way that each shell asks."""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from kubectl_trading import __main__ as program
from kubectl_trading.connection import ClusterError
from unit.kubectl_trading.fake_cluster import FakeCluster, run

Complete = Callable[..., list[str]]
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: kind
clusters:
- {name: kind, cluster: {server: "http://localhost:1"}}
users:
- {name: jane, user: {}}
contexts:
- {name: kind, context: {cluster: kind, user: jane}}
- {name: production, context: {cluster: far, user: jane}}
"""


@pytest.fixture
def complete(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Complete:
    """Complete words as kubectl asks for it; returns what is found."""

    def words(*said: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["/bin/kubectl-trading", *said])
        monkeypatch.setenv("_KUBECTL_TRADING_COMPLETE", "kubectl_complete")
        program.run()
        *found, directive = capsys.readouterr().out.splitlines()
        assert directive == ":4", "kubectl looks for files otherwise"
        return [line.split("\t")[0] for line in found]

    return words


def test_commands_and_options_are_completed(complete: Complete) -> None:
    assert complete("st") == ["start", "stop", "status"]
    assert complete("status", "--o") == ["--output"]
    assert complete("status", "--output", "ya") == ["yaml"]
    assert complete("status", "--names") == ["--namespace"]
    assert complete() == [command.name for command in program.COMMANDS]


def test_names_are_those_of_the_namespace_that_is_meant(
    complete: Complete, cluster: FakeCluster
) -> None:
    assert complete("stop", "-n", "other", "") == ["ada", "xrp"]
    assert cluster.where.namespace == "other"
    assert cluster.request_s == 3, "a person waits"
    assert complete("--namespace=third", "explain", "x") == ["xrp"]
    assert cluster.where.namespace == "third"
    assert complete("stop", "-n", "trading") == ["trading", "trading-system"]


def test_limits_are_completed_where_limits_are_meant(
    complete: Complete, cluster: FakeCluster
) -> None:
    metadata = {"namespace": "trading", "name": "all"}
    cluster.limits.documents = {"all": {"metadata": metadata}}
    for verb in ("halt", "resume", "limits"):
        assert complete(verb, "") == ["all"]


def test_without_a_cluster_nothing_is_found_and_nothing_is_said(
    complete: Complete, cluster: FakeCluster
) -> None:
    cluster.symbols.unreadable = ClusterError("the API server cannot be reached")
    assert complete("stop", "") == []


def test_contexts_are_those_of_the_kubeconfig(complete: Complete, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(KUBECONFIG)
    assert complete("--kubeconfig", str(tmp_path / "config"), "--context", "p") == ["production"]
    assert complete("--kubeconfig", str(tmp_path / "none"), "--context", "p") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "kubectl"])
def test_a_script_asks_as_the_program_answers(shell: str) -> None:
    """`tests/integration` has those run that a shell is there for."""
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_KUBECTL_TRADING_COMPLETE={shell}_complete" in done.output
    assert "kubectl-trading" in done.output


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("kubectl-trading", "kubectl trading"),
        ("kubectl-trading_symbols", "kubectl trading-symbols"),
        ("__main__.py", "kubectl trading"),
    ],
)
def test_help_has_the_name_that_a_person_runs(
    name: str, spoken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/krew/bin/{name}", "stop", "--help"])
    with pytest.raises(SystemExit):
        program.run()
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: {spoken} stop")
    assert f"{spoken} --help lists the options" in said


def test_it_says_its_version() -> None:
    assert run("--version").output == f"kubectl trading {version('trading-operator')}\n"
