"""Bind mounts that only one process sees: in a mount namespace of its own."""

import os
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from subprocess import run

TRY = ("unshare", "--mount", "mount", "--bind", "/tmp", "/tmp")


@cache
def can_mount() -> bool:
    """Return whether this user may mount in a namespace of its own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return run(TRY, capture_output=True, check=False).returncode == 0


def mounted(
    file: Path, place: Path, command: Sequence[str], read_only: bool = False
) -> tuple[str, ...]:
    """Return the command that runs another one where `file` is mounted at `place`.

    With `read_only` nothing else in the folder of `place` can be changed.
    """
    steps = ['mount --bind "$1" "$2"', "shift 2", 'exec "$@"']
    if read_only:
        folder = '"$(dirname "$2")"'
        freeze = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
        steps.insert(0, freeze)
    script = " && ".join(steps)
    return ("unshare", "--mount", "sh", "-c", script, "sh", str(file), str(place), *command)
