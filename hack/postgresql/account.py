"""Whom PostgreSQL runs as: it refuses to run as root.

Where this process is root, the server's folder is given to another account, and whatever runs
there runs as the folder's owner. That account has to reach the folder and the programs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
"""The first of them that this machine has."""
_UNUSED = shutil.ignore_patterns("*.a", "include", "pkgconfig", "pgxs")


class RunAs(TypedDict, total=False):
    """Arguments for `subprocess`."""

    user: int
    group: int
    extra_groups: Sequence[int]


def run_as(folder: Path) -> RunAs:
    """Return what makes a program run as the owner of a folder; nothing unless this is root."""
    if os.geteuid() != 0:
        return {}
    owner = folder.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}


def give_away(path: Path) -> None:
    """Give a file or folder to an account that PostgreSQL runs as; nothing unless this is root."""
    if os.geteuid() != 0:
        return
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in ACCOUNTS if name in known)
    os.chown(path, entry.pw_uid, entry.pw_gid)


def reaches(folder: Path) -> bool:
    """Return whether the owner of a folder can enter it from the root of the file system."""
    return _runs(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], folder)


def reachable(programs: Path, folder: Path) -> Path:
    """Return where the owner of a folder finds the programs: as they are, or copied into it.

    A clone of root's may be closed to everyone else.
    """
    if _runs([str(programs / "postgres"), "--version"], folder):
        return programs
    package = programs.parent.parent
    copy = folder / "programs"
    shutil.rmtree(copy, ignore_errors=True)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, copy / part.name, symlinks=True, ignore=_UNUSED)
    owner = folder.stat()
    for path in (copy, *copy.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return copy / programs.relative_to(package.parent)


def _runs(command: list[str], folder: Path) -> bool:
    quiet = subprocess.DEVNULL
    try:
        ran = subprocess.run(  # noqa: S603 - the shell, or a program of ours
            command, stdout=quiet, stderr=quiet, cwd="/", check=False, **run_as(folder)
        )
    except PermissionError:
        return False
    return ran.returncode == 0
