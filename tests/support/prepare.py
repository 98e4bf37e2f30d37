"""Makes sure that the programs that tests start are there: `python -m support.prepare`."""

import os
import shutil
import subprocess
import sys

from support import go, prometheus

ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def main() -> None:
    """Get what is missing where this process may, otherwise say what to install."""
    try:
        prometheus.find_programs()
    except prometheus.PrometheusMissing as exc:
        _may_install(exc)
        print("fetching Prometheus into the cache (20 MB)", flush=True)
        _update()
        prometheus.fetch()
        prometheus.find_programs()
    try:
        go.ensure(go.HELM)
    except go.ProgramMissing as exc:
        sys.exit(f"{exc}: install one of them")


def _may_install(missing: Exception) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(str(missing))


def _update() -> None:
    subprocess.run(("apt-get", "update", "--quiet"), check=True, env=ENVIRONMENT)


if __name__ == "__main__":
    main()
