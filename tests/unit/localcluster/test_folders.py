"""Where the parts of the local cluster are in this repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kind import operating
from localcluster.folders import locate
from localcluster.images import IMAGES


def test_what_the_cluster_is_made_of_is_there(project: Path) -> None:
    folders = locate({})
    build = folders.node_recipe / "build.sh"
    assert folders.plan.is_file()
    assert operating.CLUSTER.is_file()
    assert os.access(build, os.X_OK)
    assert os.access(folders.node_recipe / "runc-bounded", os.X_OK)
    assert all((project / image.folder / "Dockerfile").is_file() for image in IMAGES)


def test_no_program_is_among_the_manifests(project: Path) -> None:
    assert not list((project / "manifests").rglob("*.py"))


@pytest.mark.parametrize("program", ["hack/cluster.py", "hack/demo"])
def test_a_program_needs_the_standard_library_alone(
    program: str, project: Path, tmp_path: Path
) -> None:
    bare = [sys.executable, "-E", "-s", "-S", str(project / program), "--help"]
    ran = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "usage:" in ran.stdout
