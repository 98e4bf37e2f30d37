"""The subcommands, on a stand-in for docker."""

import io
from pathlib import Path

import pytest

from localcluster import record
from localcluster.cli import main
from localcluster.commands import Commands
from localcluster.console import Console
from localcluster.failure import LocalClusterError
from localcluster.folders import Folders, locate
from localcluster.record import Record
from support.programs import StandIns

ONE_NODE = """
import json
if arguments[0] == 'ps':
    print(json.dumps({'Names': 'trading-control-plane', 'State': 'running'}))
"""
RECORD = Record("trading", None, "node:1", complete=True)


@pytest.fixture
def commands(tmp_path: Path, stand_in: StandIns, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    stand_in("kind", "print('kind v0.33.0')")
    clone = tmp_path / "clone"
    clone.mkdir()
    return Commands(Folders(clone, tmp_path / "cache"), Console(io.StringIO()))


def claim(commands: Commands, clone: Path) -> None:
    claims = commands.folders.cache / "clusters"
    claims.mkdir(parents=True)
    (claims / "trading").write_text(str(clone))


def test_the_record_survives_and_is_forgotten(tmp_path: Path) -> None:
    assert record.read(tmp_path) is None
    record.write(tmp_path, RECORD)
    assert record.read(tmp_path) == RECORD
    record.forget(tmp_path)
    record.forget(tmp_path)
    assert record.read(tmp_path) is None


def test_a_cluster_that_something_else_made_is_left_alone(
    commands: Commands, stand_in: StandIns
) -> None:
    calls = stand_in("docker", ONE_NODE)
    for command in (commands.up, commands.down):
        with pytest.raises(LocalClusterError, match="did not make"):
            command("trading")
    assert " rm " not in calls.read_text()


def test_the_cluster_of_a_clone_that_keeps_it_is_left_alone(
    commands: Commands, stand_in: StandIns, tmp_path: Path
) -> None:
    stand_in("docker", ONE_NODE)
    other = tmp_path / "other"
    other.mkdir()
    record.write(other / ".cluster", RECORD)
    claim(commands, other)
    with pytest.raises(LocalClusterError, match="belongs to the clone"):
        commands.up("trading")


def test_what_a_clone_that_is_gone_left_is_cleared_away(
    commands: Commands, stand_in: StandIns, tmp_path: Path
) -> None:
    calls = stand_in("docker", ONE_NODE)
    claim(commands, tmp_path / "gone")
    commands.down("trading")
    assert "rm --force --volumes trading-control-plane" in calls.read_text()


def test_down_deletes_the_cluster_on_record_and_forgets_it(
    commands: Commands, stand_in: StandIns
) -> None:
    calls = stand_in("docker", ONE_NODE)
    record.write(commands.folders.state, RECORD)
    commands.folders.kubeconfig.write_text("")
    commands.down("a name that is not asked for")
    assert "rm --force --volumes trading-control-plane" in calls.read_text()
    assert [file.name for file in commands.folders.state.iterdir()] == ["lock"]


def test_a_cluster_that_an_earlier_version_made_is_found_and_deleted(
    commands: Commands, stand_in: StandIns
) -> None:
    calls = stand_in("docker", ONE_NODE)
    state = commands.folders.project / ".cluster"
    state.mkdir()
    (state / "cluster.json").write_text(
        '{"name": "trading", "docker_host": null, "node_image": "node:1", "complete": true}'
    )
    claim(commands, commands.folders.project)
    commands.env()
    commands.down("trading")
    assert "rm --force --volumes trading-control-plane" in calls.read_text()
    assert not list((commands.folders.cache / "clusters").iterdir())


def test_a_copy_that_links_to_a_clones_state_shares_its_cluster(
    commands: Commands, stand_in: StandIns, tmp_path: Path
) -> None:
    calls = stand_in("docker", ONE_NODE)
    record.write(commands.folders.state, RECORD)
    claim(commands, commands.folders.project)
    copy = Folders(tmp_path / "copy", commands.folders.cache)
    copy.project.mkdir()
    copy.state.symlink_to(commands.folders.state)
    Commands(copy, commands.console).down("trading")
    assert "rm --force --volumes trading-control-plane" in calls.read_text()


def test_a_clone_has_one_cluster_at_a_time(commands: Commands) -> None:
    record.write(commands.folders.state, RECORD)
    with pytest.raises(LocalClusterError, match="has the cluster 'trading'"):
        commands.up("another")


def test_images_and_env_need_a_cluster_that_is_complete(commands: Commands) -> None:
    record.write(commands.folders.state, Record("trading", None, "node:1", complete=False))
    for command in (commands.images, commands.env):
        with pytest.raises(LocalClusterError, match=r"cluster\.py up"):
            command()


def test_env_prints_what_a_shell_needs(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    record.write(commands.folders.state, Record("trading", "unix:///a b", "node:1", complete=True))
    commands.env()
    state = commands.folders.state
    assert capsys.readouterr().out.splitlines() == [
        f"export KUBECONFIG={state}/kubeconfig",
        f"export KUBECACHEDIR={state}/kubectl-cache",
        "export DOCKER_HOST='unix:///a b'",
        f'export PATH={state}/bin:"$PATH"',
    ]


def test_the_cache_follows_xdg(project: Path) -> None:
    assert locate({"XDG_CACHE_HOME": "/c"}).cache == Path("/c/trading-operator")
    assert locate({}).cache == Path.home() / ".cache" / "trading-operator"
    assert locate({}).project == project


def test_what_a_person_has_to_know_is_a_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: Commands) -> None:
        raise LocalClusterError("start Docker first")

    monkeypatch.setattr(Commands, "env", refuse)
    assert main(["env"]) == 1
    assert capsys.readouterr().err == "start Docker first\n"
