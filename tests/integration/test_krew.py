"""What krew installs: the archive of this machine, unpacked and run as krew does it."""

import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from support.krew_archive import MACHINES_PYTHON, URL, make, read_manifest, unpack


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the archive and the manifest."""
    folder = tmp_path_factory.mktemp("krew")
    make(folder)
    return folder


@pytest.fixture(scope="module")
def manifest(made: Path) -> dict[str, Any]:
    """Read it."""
    return read_manifest(made)


@pytest.fixture(scope="module")
def program(made: Path) -> Path:
    """Unpack the archive."""
    return unpack(made)


def output(program: Path, *arguments: str) -> str:
    """Run it with the machine's Python, which has none of our packages."""
    environment = {"PATH": f"{MACHINES_PYTHON}:/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(
        [str(program), *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_manifest_is_one_that_krew_takes(manifest: dict[str, Any]) -> None:
    """By its guides: lower case and hyphens, nothing too general, a semantic version."""
    assert manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert manifest["kind"] == "Plugin"
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", manifest["metadata"]["name"])
    spec = manifest["spec"]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", spec["version"])
    assert len(spec["shortDescription"]) <= 50
    (entry,) = spec["platforms"]
    assert set(entry["selector"]["matchLabels"]) == {"os", "arch"}
    assert entry["uri"].startswith(f"{URL}/")
    assert entry["uri"].endswith(".tar.gz")


def test_what_is_unpacked_runs(program: Path) -> None:
    assert output(program, "--version").startswith("kubectl trading-symbols 0.")
    told = output(program, "explain", "--help")
    assert told.startswith("Usage: kubectl trading-symbols explain")
    assert "exec kubectl-trading_symbols" in output(program, "completion", "kubectl")


def test_it_has_the_licence_and_is_nobodys(made: Path, program: Path) -> None:
    with tarfile.open(next(made.glob("*.tar.gz"))) as tar:
        entries = tar.getmembers()
    names = {entry.name for entry in entries}
    assert {"LICENSE", "kubectl-trading_symbols"} <= names
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries} == {(0, 0, 0)}
    assert not [name for name in names if "__pycache__" in name or "/aiohttp/" in name]


def test_it_reaches_for_a_cluster(program: Path) -> None:
    """All that it loads for that is in the archive."""
    with pytest.raises(subprocess.CalledProcessError) as failed:
        output(program, "status")
    assert failed.value.stderr.startswith("Error: no cluster to connect to: ")
