"""Names, tags and build options of this project's images."""

from pathlib import Path

import pytest

from localcluster.console import Console
from localcluster.docker import Docker
from localcluster.folders import Folders
from localcluster.images import IMAGES, KEPT_TAGS, PASSED_ON, Builder, build_arguments, tag
from support.programs import StandIns

DOCKERFILE = "FROM base AS one\nCOPY a /a\nFROM base AS two\nCOPY b /b\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Make a build context of two targets, one file each."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    return folder


def test_a_tag_follows_the_target_s_own_files(context: Path) -> None:
    one, two = tag(context, "one", "base"), tag(context, "two", "base")
    (context / "a").write_text("changed")
    assert tag(context, "one", "base") != one
    assert tag(context, "two", "base") == two


def test_a_tag_follows_the_dockerfile_the_base_and_the_target(context: Path) -> None:
    before = tag(context, "one", "base")
    assert tag(context, "one", "another base") != before
    (context / "b").write_text("a")
    assert tag(context, "two", "base") != before
    (context / "Dockerfile").write_text(DOCKERFILE + "USER 1\n")
    assert tag(context, "one", "base") != before


def test_where_packages_come_from_is_named_but_not_spelt_out() -> None:
    secret = "https://user:password@index.example/simple"
    arguments = build_arguments(dict.fromkeys(PASSED_ON, secret), "base", pip_cert=False)
    assert arguments[:4] == ["--build-arg", "BASE=base", "--build-arg", "PIP_INDEX_URL"]
    assert "password" not in " ".join(arguments)


def test_nothing_is_passed_on_that_is_not_set() -> None:
    arguments = build_arguments({"PIP_INDEX_URL": ""}, "base", pip_cert=False)
    assert arguments == ["--build-arg", "BASE=base"]


def test_pip_trusts_the_bundle_of_a_base_that_carries_one() -> None:
    arguments = build_arguments({}, "base", pip_cert=True)
    assert arguments[2:] == ["--build-arg", "PIP_CERT=/etc/ssl/certs/ca-certificates.crt"]


HOLDS_ALL = "sys.exit(0)"
LACKS_PROGRAMS = f"""
held = arguments[:2] == ['image', 'inspect'] and not arguments[2].startswith('symbol-trader')
if arguments[0] == 'images':
    print(*(f'tag{{n}}' for n in range({KEPT_TAGS + 2})), sep='\\n')
sys.exit(0 if held or arguments[0] in ('build', 'images', 'rmi') else 1)
"""


def test_images_that_the_engine_holds_are_not_built_again(
    project: Path, tmp_path: Path, stand_in: StandIns
) -> None:
    calls = stand_in("docker", HOLDS_ALL)
    references = Builder(Docker(), Folders(project, tmp_path), Console()).build()
    assert list(references) == [image.name for image in IMAGES]
    assert "build" not in calls.read_text()


def test_a_missing_image_is_built_under_its_tag_and_old_ones_dropped(
    project: Path, tmp_path: Path, stand_in: StandIns
) -> None:
    calls = stand_in("docker", LACKS_PROGRAMS)
    references = Builder(Docker(), Folders(project, tmp_path), Console()).build()
    said = calls.read_text().splitlines()
    (build,) = [line for line in said if line.startswith("build ")]
    assert f"--target trader --tag {references['symbol-trader']} " in build
    assert [line for line in said if line.startswith("rmi")] == [
        f"rmi symbol-trader:tag{n}" for n in range(KEPT_TAGS - 1, KEPT_TAGS + 2)
    ]
