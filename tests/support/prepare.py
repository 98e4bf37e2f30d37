"""Makes sure that PostgreSQL's server programs are there: `python -m support.prepare`."""

import os
import shutil
import subprocess
import sys

from support.postgres import ServerMissing, find_programs

INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "postgresql")
# Runlevel 1 keeps the package from starting a server of its own.
ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def main() -> None:
    """Install them where this process may, otherwise say what to install."""
    try:
        find_programs()
    except ServerMissing as exc:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            sys.exit(str(exc))
        print("installing PostgreSQL's server programs (about a minute)", flush=True)
        subprocess.run(("apt-get", "update", "--quiet"), check=True, env=ENVIRONMENT)
        subprocess.run(INSTALL, check=True, env=ENVIRONMENT)
        find_programs()


if __name__ == "__main__":
    main()
