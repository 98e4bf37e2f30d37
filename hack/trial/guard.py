"""Ends what this process started if it is killed before it can do so itself."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postgresql.account import RunAs

# The pipe just ends where the process at its other end was killed.
_GUARD = 'read -r _ || "$@"'
# A second init that reaps nobody would keep the process forever: thirty seconds are enough.
_END = """
kill "$1" && for _ in $(seq 300); do kill -0 "$1" || exit 0; sleep 0.1; done; kill -9 "$1"
"""


def ending(pid: int) -> tuple[str, ...]:
    """Return the command that ends a process and waits until it is gone."""
    return ("/bin/sh", "-c", _END, "sh", str(pid))


@contextmanager
def guarded(command: Sequence[str], lock: int, run_as: RunAs) -> Iterator[None]:
    """Have a command run if this process ends inside the block, as by `kill -9`.

    Until that is done the lock is kept: nobody starts the same again before.
    """
    quiet = subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603 - commands of ours
        ("/bin/sh", "-c", _GUARD, "sh", *command), stdin=subprocess.PIPE, stdout=quiet,
        stderr=quiet, cwd="/", start_new_session=True, pass_fds=(lock,), **run_as,
    ) as waiting:  # fmt: skip
        try:
            yield
        finally:
            waiting.communicate(b"done\n")
