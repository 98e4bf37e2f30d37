"""What this machine is and lets us do."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster import processes
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localcluster.console import Console

CAP_SYS_RESOURCE = 24
"""The capability's bit, from linux/capability.h."""

INOTIFY_LEAST: Mapping[str, int] = {
    "fs/inotify/max_user_instances": 1024,
    "fs/inotify/max_user_watches": 524288,
}
"""What the kubelets and containerds of three nodes need; kind's documentation names the limits."""


def is_linux() -> bool:
    """Return whether containers run on this very kernel."""
    return platform.system() == "Linux"


def is_root() -> bool:
    """Return whether this process may administer the machine."""
    return os.geteuid() == 0


def has_apt() -> bool:
    """Return whether packages are installed the Debian way."""
    return shutil.which("apt-get") is not None


def holds_capability(status: str, bit: int) -> bool:
    """Return whether /proc/self/status shows a capability in the bounding set."""
    held = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(held, 16) >> bit & 1)


def capabilities_are_cut() -> bool:
    """Return whether this machine lacks a capability that privileged containers ask for."""
    return not holds_capability(Path("/proc/self/status").read_text(), CAP_SYS_RESOURCE)


def install_packages(packages: Sequence[str], console: Console) -> None:
    """Install Debian packages; the caller has seen to it that this is root and has apt-get."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with console.step(f"installing Debian packages: {' '.join(packages)}"):
        processes.check(["apt-get", "update"], env=quiet)
        argv = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
        processes.check(argv, env=quiet)


def need_debootstrap(console: Console) -> None:
    """See to it that Debian roots can be made; says what to do where they cannot."""
    if not (is_linux() and is_root() and has_apt()):
        raise LocalClusterError(
            "No image registry is reached, so images have to be made from Debian packages; that "
            "needs root on Debian. Either let Docker reach docker.io, or run this as root there."
        )
    if shutil.which("debootstrap") is None:
        install_packages(["debootstrap"], console)


def raise_inotify_limits(console: Console, root: Path = Path("/proc/sys")) -> None:
    """Let three nodes watch their files, where limits are lower; until the next boot."""
    for name, least in INOTIFY_LEAST.items():
        limit = root / name
        if not limit.exists() or int(limit.read_text()) >= least:
            continue
        setting = f"{name.replace('/', '.')}={least}"
        try:
            limit.write_text(str(least))
        except OSError:
            console.say(f"the kernel's limit is low for three nodes: sudo sysctl -w {setting}")
        else:
            console.say(f"raised a limit of the kernel until the next boot: {setting}")
