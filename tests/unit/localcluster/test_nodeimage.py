"""Which image the nodes run, on stand-ins for docker and for the build."""

import io
from pathlib import Path

import pytest

from localcluster import machine
from localcluster.console import Console
from localcluster.docker import Docker
from localcluster.folders import Folders
from localcluster.nodeimage import KEPT_TAGS, ORDINARY, OWN, find_or_make
from localcluster.tools import Toolbox
from support.programs import StandIns

DOCKER = """
if arguments[0] == 'images':
    print(*(f'tag{{n}}' for n in range({tags})), sep='\\n')
known = arguments[:2] == ['image', 'inspect'] and {known!r} in arguments[2]
sys.exit(0 if known or arguments[0] in {works} else 1)
"""


@pytest.fixture
def clone(tmp_path: Path, stand_in: StandIns) -> Folders:
    """Make a clone whose recipe builds nothing."""
    stand_in("go", "print('go version go1.26.0')")
    calls = stand_in("build.sh", "")
    folders = Folders(tmp_path / "clone", tmp_path / "cache")
    folders.node_recipe.mkdir(parents=True)
    (calls.parent / "build.sh").rename(folders.node_recipe / "build.sh")
    return folders


def find(clone: Folders) -> str:
    console = Console(io.StringIO())
    return find_or_make(Docker(), clone, Toolbox(clone.cache, console), console)


@pytest.mark.parametrize("known", [ORDINARY, OWN])
def test_an_image_that_the_engine_holds_is_taken_without_asking_a_registry(
    clone: Folders, stand_in: StandIns, known: str
) -> None:
    calls = stand_in("docker", DOCKER.format(known=known, works=[], tags=0))
    assert find(clone).startswith(known)
    assert "pull" not in calls.read_text()


def test_the_ordinary_image_is_fetched_where_a_registry_has_it(
    clone: Folders, stand_in: StandIns
) -> None:
    stand_in("docker", DOCKER.format(known="none", works=["pull"], tags=0))
    assert find(clone) == ORDINARY


def test_without_a_registry_it_is_built_and_old_ones_dropped(
    clone: Folders, stand_in: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "need_debootstrap", lambda console: None)
    calls = stand_in("docker", DOCKER.format(known="none", works=["images"], tags=KEPT_TAGS + 1))
    reference = find(clone)
    assert reference.startswith(f"{OWN}:")
    built = (stand_in.folder / "build.sh.calls").read_text()
    assert built == f"{reference} {clone.node_build}\n"
    dropped = [line for line in calls.read_text().splitlines() if line.startswith("rmi")]
    assert dropped == [f"rmi {OWN}:tag{n}" for n in range(KEPT_TAGS - 1, KEPT_TAGS + 1)]


def test_a_changed_recipe_is_another_image(clone: Folders, stand_in: StandIns) -> None:
    stand_in("docker", DOCKER.format(known=OWN, works=[], tags=0))
    before = find(clone)
    (clone.node_recipe / "entrypoint").write_text("changed")
    assert find(clone) != before
