"""`make bench ONLY=operator` on stand-ins for kubectl, kwok, the operator and the API server.

Called with a folder that has the programs. It says when it measures, and measures for ever.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import kind.kubectl

kind.kubectl.STATE = Path(sys.argv.pop(1))
kind.kubectl.KUBECONFIG = kind.kubectl.STATE / "kubeconfig"

import bench.__main__ as program  # noqa: E402 - it takes the folder over when it is imported
from bench import ending, scale  # noqa: E402 - as above


class Endless:
    """An API server that is asked to create something, and a proxy that nobody uses."""

    async def create(self, *_: object) -> None:
        """Say that it has come to this, and never answer."""
        print("measuring", flush=True)
        await asyncio.Event().wait()

    def start(self) -> None:
        """Listen nowhere."""

    stop = start


@asynccontextmanager
async def connect() -> AsyncIterator[Endless]:
    yield Endless()


with patch.multiple(scale, connect=connect, Proxy=Endless):
    ending.run(program.main)
