"""The cluster, on a stand-in for docker and kind."""

import io
from pathlib import Path

import pytest

from localcluster.console import Console
from localcluster.docker import Docker
from localcluster.failure import LocalClusterError
from localcluster.kindcluster import KindCluster, full_name
from support.programs import StandIns

NODES = """
import json
if arguments[0] == 'ps':
    for name, state in {states}.items():
        print(json.dumps({{'Names': name, 'State': state}}))
if arguments[0] == 'exec':
    print('docker.io/library/held:1')
    if arguments[1] == 'some-worker':
        print('docker.io/library/elsewhere:1')
"""


def cluster() -> KindCluster:
    return KindCluster("some", Docker(), Console(io.StringIO()))


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("trader:1", "docker.io/library/trader:1"),
        ("someone/trader:1", "docker.io/someone/trader:1"),
        ("localhost/trader:1", "localhost/trader:1"),
        ("localhost:5000/trader:1", "localhost:5000/trader:1"),
        ("registry.k8s.io/pause:3", "registry.k8s.io/pause:3"),
    ],
)
def test_references_are_spelt_as_containerd_does(reference: str, name: str) -> None:
    assert full_name(reference) == name


def test_stopped_nodes_are_started_and_frozen_ones_thawed(stand_in: StandIns) -> None:
    states = {"some-a": "running", "some-b": "exited", "some-c": "paused"}
    calls = stand_in("docker", NODES.format(states=states))
    assert cluster().resume()
    assert calls.read_text().splitlines()[1:] == ["start some-b", "unpause some-c"]


def test_nodes_that_run_are_left_alone(stand_in: StandIns) -> None:
    calls = stand_in("docker", NODES.format(states={"some-a": "running"}))
    assert not cluster().resume()
    assert len(calls.read_text().splitlines()) == 1


def test_nodes_do_not_come_back_with_the_engine_by_themselves(stand_in: StandIns) -> None:
    states = {"some-a": "running", "some-b": "running"}
    calls = stand_in("docker", NODES.format(states=states))
    cluster().stay_down()
    assert calls.read_text().splitlines()[1:] == ["update --restart=no some-a some-b"]


def test_images_that_the_nodes_have_are_not_loaded_again(stand_in: StandIns) -> None:
    states = {"some-control-plane": "running", "some-worker": "running"}
    stand_in("docker", NODES.format(states=states))
    kind = stand_in("kind", "")
    cluster().load(Path("kind"), ["held:1"])
    assert kind.read_text() == ""
    cluster().load(Path("kind"), ["held:1", "new:1"])
    assert kind.read_text() == "load docker-image new:1 --name some --nodes some-worker\n"


def test_only_the_nodes_that_lack_an_image_get_it(stand_in: StandIns) -> None:
    stand_in("docker", NODES.format(states={"some-worker": "running", "some-worker2": "running"}))
    kind = stand_in("kind", "")
    cluster().load(Path("kind"), ["elsewhere:1"])
    assert kind.read_text() == "load docker-image elsewhere:1 --name some --nodes some-worker2\n"


def test_there_is_nothing_to_load_into_without_a_cluster(stand_in: StandIns) -> None:
    stand_in("docker", NODES.format(states={}))
    with pytest.raises(LocalClusterError, match="no cluster some"):
        cluster().load(Path("kind"), ["new:1"])


def test_deleting_takes_containers_and_network_along(stand_in: StandIns) -> None:
    states = {"some-control-plane": "running", "some-worker": "exited"}
    calls = stand_in("docker", NODES.format(states=states))
    cluster().delete()
    assert "rm --force --volumes some-control-plane some-worker" in calls.read_text()
    assert "network rm kind-some" in calls.read_text()


def test_an_api_server_that_still_refuses_is_asked_again(
    stand_in: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcluster.kindcluster.POLL_SECONDS", 0.01)
    answered = tmp_path / "answered"
    body = f"import pathlib; seen = pathlib.Path({str(answered)!r}); code = not seen.exists()"
    stand_in("kubectl", f"{body}; seen.touch(); sys.exit(code)")
    assert cluster().wait_until_ready(["kubectl"], seconds=30)


def test_a_stopped_node_is_back_when_its_lease_is_renewed(
    stand_in: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on record of it is as old as its stop: Ready, and a lease."""
    monkeypatch.setattr("localcluster.kindcluster.POLL_SECONDS", 0.01)
    asked = tmp_path / "asked"
    body = """
import pathlib
asked = pathlib.Path({asked!r})
times = asked.stat().st_size if asked.exists() else 0
asked.write_text('.' * (times + 1))
if times == 0:
    sys.exit(1)
print(f'some-a={{min(times, 2)}} some-b={{min(times, 3)}} '.replace('b=2', 'b=1'))
"""
    stand_in("kubectl", body.format(asked=str(asked)))
    assert cluster().wait_until_heard(["kubectl"], seconds=30)
    assert len(asked.read_text()) == 4


def test_nodes_that_are_not_heard_from_are_given_up(stand_in: StandIns) -> None:
    stand_in("kubectl", "print('some-a=1 ')")
    assert not cluster().wait_until_heard(["kubectl"], seconds=0.1)


def test_nodes_that_never_get_ready_are_given_up(stand_in: StandIns) -> None:
    stand_in("kubectl", "sys.exit(1)")
    assert not cluster().wait_until_ready(["kubectl"], seconds=0.1)
