"""A real Prometheus for tests: its programs, from PATH or out of Debian's package."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

PROGRAMS = ("prometheus", "promtool")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trading-operator"
UNPACKED = CACHE / "prometheus"


class PrometheusMissing(Exception):  # noqa: N818 - a state of the machine
    """Prometheus' programs are not there; the text says how to get them."""


def find_programs() -> Path:
    """Return the folder of the programs. Raises `PrometheusMissing`."""
    on_path = [shutil.which(program) for program in PROGRAMS]
    if all(on_path):
        return Path(str(on_path[0])).parent
    if all((UNPACKED / "usr" / "bin" / program).exists() for program in PROGRAMS):
        return UNPACKED / "usr" / "bin"
    raise PrometheusMissing(
        f"{' and '.join(PROGRAMS)} are not on the PATH: install Prometheus; "
        "on Debian and Ubuntu: apt-get install prometheus"
    )


def fetch() -> None:
    """Unpack Debian's package into the cache: installing it would start a server."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        # apt-get drops root's rights for a download, and has to reach the folder.
        Path(folder).chmod(0o755)
        subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, check=True)
        (package,) = Path(folder).glob("*.deb")
        unpacked = Path(folder) / "unpacked"
        subprocess.run(["dpkg-deb", "--extract", package, unpacked], check=True)
        shutil.rmtree(UNPACKED, ignore_errors=True)
        unpacked.replace(UNPACKED)
