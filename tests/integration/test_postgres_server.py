"""The tests' own PostgreSQL leaves nothing behind, whatever happens to the tests."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from support.postgres import running_server

KILLED = """
import os, signal
from support.postgres import running_server
with running_server() as server:
    print(server.folder, server.port, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def listens(port: int) -> bool:
    """Return whether a server is there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_at_the_end_the_server_and_its_files_are_gone() -> None:
    with running_server() as server:
        assert listens(server.port)
    assert not listens(server.port)
    assert not server.folder.exists()


async def test_a_test_run_that_is_killed_leaves_no_server_behind() -> None:
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        KILLED,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await run.communicate()
    assert run.returncode == -signal.SIGKILL
    folder, port = out.decode().split()
    async with asyncio.timeout(20):
        # The files go after the server; no process of ours is left to tell us.
        while Path(folder).exists():  # noqa: ASYNC110, ASYNC240 - another process removes it
            await asyncio.sleep(0.05)
    assert not listens(int(port))
