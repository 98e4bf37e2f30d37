"""What krew installs: the archive of this machine, unpacked and run as krew does it."""

import hashlib
import platform
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from krew.manifest import NAME
from krew.platforms import PLATFORMS, Platform

MACHINES: Final = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
URL: Final = "https://downloads.example.com/v0.1.0"


def this_machine() -> Platform:
    here = (platform.system().lower(), MACHINES[platform.machine()])
    return next(each for each in PLATFORMS if (each.system, each.machine) == here)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the archive and the manifest as `make krew` does, for this machine alone."""
    folder = tmp_path_factory.mktemp("krew")
    options = ["--url", URL, "--out", str(folder), "--platform", str(this_machine())]
    subprocess.run([sys.executable, "-m", "krew", *options, "--python", PYTHON], check=True)
    return folder


@pytest.fixture(scope="module")
def manifest(made: Path) -> dict[str, Any]:
    """Read it; krew wants the file to have the plug-in's name."""
    found: dict[str, Any] = yaml.safe_load((made / f"{NAME}.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def program(made: Path, manifest: dict[str, Any]) -> Path:
    """Unpack the archive, and link the program, by its manifest."""
    (entry,) = manifest["spec"]["platforms"]
    archive = made / str(entry["uri"]).rpartition("/")[2]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == entry["sha256"]
    store = made / "store" / NAME / manifest["spec"]["version"]
    with tarfile.open(archive) as tar:
        tar.extractall(store, filter="data")
    link = made / "bin" / f"kubectl-{manifest['metadata']['name'].replace('-', '_')}"
    link.parent.mkdir()
    link.symlink_to(store / entry["bin"])
    return link


def output(program: Path, *arguments: str) -> str:
    """Run it with the machine's Python, which has none of our packages."""
    environment = {"PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin", "HOME": "/nonexistent"}
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
