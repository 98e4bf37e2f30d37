"""Brings a recording to the paper exchange."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from demo import market
from localcluster import processes
from localcluster.deploying import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.recording import Recording
    from localcluster.console import Console

POD = "paper-exchange-0"
UPLOAD_SECONDS = 120
# Whole or not at all: it gets its name when it is complete.
_RECEIVE = """
import base64, os, pathlib, sys
path = pathlib.Path(sys.argv[1])
path.parent.mkdir(exist_ok=True)
part = path.with_suffix('.part')
part.write_bytes(base64.b64decode(sys.stdin.read(), validate=True))
os.replace(part, path)
"""


def runs(kubectl: Sequence[str | Path]) -> bool:
    """Return whether there is an exchange that can take a recording."""
    condition = "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    asked = [*kubectl, "--namespace", SYSTEM, "get", "pod", POD, "--ignore-not-found", condition]
    return processes.capture(asked).out.strip() == "True"


def upload(kubectl: Sequence[str | Path], recording: Recording, console: Console) -> None:
    """Put a recording on the exchange's volume.

    Raises:
        LocalClusterError: it did not get there.

    """
    size = len(recording.content) / 1024**2
    command = [*kubectl, "--namespace", SYSTEM, "exec", "--stdin", POD, "--"]
    receive = ["python3", "-c", _RECEIVE, market.place(recording)]
    with console.step(f"bringing {recording.name} ({size:.1f} MiB) to the exchange"):
        text = base64.b64encode(recording.content).decode()
        processes.check([*command, *receive], timeout=UPLOAD_SECONDS, stdin=text)


def begin(kubectl: Sequence[str | Path], console: Console) -> None:
    """Let a paused recording play; one that plays already goes on.

    Raises:
        LocalClusterError: the exchange does not answer.

    """
    command = [*kubectl, "--namespace", SYSTEM, "exec", POD, "--", "paper-exchange", "admin"]
    processes.check([*command, "resume"], timeout=UPLOAD_SECONDS)
    console.say("the market is open")
