"""Keeps what is in this process's memory, the key above all, out of files and other processes."""

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""Of <linux/prctl.h>."""


def hide_memory() -> None:
    """Write no core dump, and let no other process of this user read the memory.

    Where the system knows no `prctl`, the limit of the core dump is all there is.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
