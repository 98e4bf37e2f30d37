"""The docker client, on a stand-in for docker."""

import io

import pytest

from localcluster import docker as module
from localcluster import processes
from localcluster.console import Console
from localcluster.docker import Docker
from support.programs import StandIns


def test_an_engine_that_does_not_answer_is_absent(stand_in: StandIns) -> None:
    stand_in("docker", "sys.exit(1)")
    assert not Docker().answers()


def test_the_engine_is_named_in_the_environment(stand_in: StandIns) -> None:
    stand_in("docker", "sys.exit(os.environ.get('DOCKER_HOST') != 'unix:///some/socket')")
    assert Docker("unix:///some/socket").answers()
    assert not Docker("unix:///another/socket").answers()


def test_containers_are_listed_with_their_states(stand_in: StandIns) -> None:
    rows = '{"Names": "a", "State": "running"}\n{"Names": "b", "State": "paused"}'
    calls = stand_in("docker", f"print({rows!r})")
    assert Docker().containers("label=x") == {"a": "running", "b": "paused"}
    assert "--filter label=x" in calls.read_text()


def test_an_image_is_fetched_where_a_registry_answers(stand_in: StandIns) -> None:
    stand_in("docker", "print('pulling'); print('done')")
    assert Docker().pull("some/image", Console(io.StringIO()))


def test_a_registry_that_refuses_is_no_failure(stand_in: StandIns) -> None:
    stand_in("docker", "sys.exit('no such host')")
    out = io.StringIO()
    assert not Docker().pull("some/image", Console(out))
    assert "no such host" in out.getvalue()


def test_a_registry_that_is_silent_is_given_up(
    stand_in: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REGISTRY_SECONDS", 0.2)
    stand_in("docker", "time.sleep(60)")
    assert not Docker().pull("some/image", Console(io.StringIO()))


def test_a_fetch_that_has_begun_may_take_its_time(
    stand_in: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REGISTRY_SECONDS", 5.0)
    monkeypatch.setattr(processes, "HEARTBEAT_SECONDS", 0.05)
    stand_in("docker", "print('pulling', flush=True); time.sleep(0.4)")
    out = io.StringIO()
    assert Docker().pull("some/image", Console(out))
    assert "still fetching" in out.getvalue()


@pytest.mark.parametrize(
    ("buildx", "first", "setting"),
    [
        (0, "build --load --target x", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"),
        (1, "build --force-rm --target x", "DOCKER_BUILDKIT=0"),
    ],
)
def test_images_are_built_with_what_the_client_has(
    stand_in: StandIns, buildx: int, first: str, setting: str
) -> None:
    name, _, value = setting.partition("=")
    body = f"sys.exit({buildx} if arguments[0] == 'buildx' else os.environ[{name!r}] != {value!r})"
    calls = stand_in("docker", body)
    Docker().build(Console(io.StringIO()), "--target", "x")
    assert calls.read_text().splitlines()[-1] == first


def test_what_was_just_built_stays_however_old_its_layers_are(stand_in: StandIns) -> None:
    """From cached layers an image is as old as they are, and may be the last of the list."""
    calls = stand_in("docker", "print('c b a mine'.replace(' ', '\\n'))")
    Docker().drop_old("ours:mine", 2)
    said = calls.read_text().splitlines()
    assert [line for line in said if line.startswith("rmi")] == ["rmi ours:b", "rmi ours:a"]
