"""Versions of tools, and which of them is taken."""

import io
import sys
from pathlib import Path

import pytest

from localcluster.console import Console
from localcluster.docker import Docker
from localcluster.tools import KIND, Toolbox
from localcluster.versions import kubectl_fits, version
from support.programs import StandIns


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("go version go1.25 linux/amd64", (1, 25, 0)),
        ("v1.35.4", (1, 35, 4)),
        ("", (0, 0, 0)),
    ],
)
def test_the_first_version_number_counts(text: str, number: tuple[int, int, int]) -> None:
    assert version(text) == number


def test_kubectl_is_within_one_minor_version_of_the_server() -> None:
    server = (1, 35, 4)
    assert [minor for minor in range(30, 40) if kubectl_fits((1, minor, 0), server)] == [34, 35, 36]
    assert not kubectl_fits((2, 35, 0), server)


def toolbox(cache: Path) -> Toolbox:
    return Toolbox(cache, Console(io.StringIO()))


def test_kind_on_path_is_taken_if_it_is_new_enough(tmp_path: Path, stand_in: StandIns) -> None:
    calls = stand_in("kind", "print('kind v0.31.0 go1.25 linux/amd64')")
    assert toolbox(tmp_path).kind() == tmp_path / "programs" / "kind"
    assert calls.read_text() == "version\n"


def test_a_tool_found_by_a_link_to_it_is_the_tool_itself(
    tmp_path: Path, stand_in: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("kind", "print('kind v0.31.0')")
    links = tmp_path / "links"
    links.mkdir()
    (links / "kind").symlink_to(tmp_path / "programs" / "kind")
    monkeypatch.setenv("PATH", str(links))
    assert toolbox(tmp_path).kind() == tmp_path / "programs" / "kind"


def test_an_old_kind_is_passed_over_and_a_new_one_built_once(
    tmp_path: Path, stand_in: StandIns
) -> None:
    stand_in("kind", "print('kind v0.20.0')")
    body = "print('go version go1.26.0')\nif arguments[0] == 'install':"
    target = "os.path.join(os.environ['GOBIN'], 'kind')"
    script = f"#!{sys.executable} -IS\nprint('kind {KIND}')\n"
    calls = stand_in(
        "go", f"{body}\n  open({target}, 'w').write({script!r})\n  os.chmod({target}, 0o755)"
    )
    built = tmp_path / "bin" / f"kind-{KIND}"
    assert toolbox(tmp_path).kind() == built
    assert toolbox(tmp_path).kind() == built
    assert calls.read_text().splitlines() == ["version", f"install sigs.k8s.io/kind@{KIND}"]


def kubectl(minor: int) -> str:
    return f'print(\'{{"clientVersion": {{"gitVersion": "v1.{minor}.0"}}}}\')'


def test_a_kubectl_that_does_not_fit_is_passed_over(tmp_path: Path, stand_in: StandIns) -> None:
    stand_in("docker", "print('v1.35.4')")
    stand_in("kubectl", kubectl(32))
    stand_in("built", kubectl(35))
    built = tmp_path / "programs" / "built"
    assert toolbox(tmp_path).kubectl(Docker(), "node", built) == built
    stand_in("kubectl", kubectl(36))
    found = toolbox(tmp_path).kubectl(Docker(), "node", built)
    assert found == tmp_path / "programs" / "kubectl"


@pytest.mark.skipif(sys.platform != "linux", reason="a node's kubectl runs on Linux alone")
def test_the_node_s_own_kubectl_is_the_last_resort(tmp_path: Path, stand_in: StandIns) -> None:
    calls = stand_in("docker", "print('v1.35.4')")
    copied = tmp_path / "bin" / "kubectl-1.35.4"
    assert toolbox(tmp_path).kubectl(Docker(), "node", tmp_path / "absent") == copied
    assert f"cp node:/usr/bin/kubectl {copied}" in calls.read_text()
