"""Python programs as real processes that start at once: forked from a server that knows them.

A start from nothing spends a second of a core on imports, most of what a short test costs. What
is forked is a process like any other: it has its own pid, environment and sockets, and dies alone.
"""

import asyncio
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

# `__main__` spares each process an import of the program that the tests run in.
PRELOADED = [
    "__main__",
    "symbol_trader.__main__",
    "symbol_trader.postgres.migrate",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "paper_exchange.shell.cli",
]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(PRELOADED)


class Process:
    """A program that runs: a Python module, as `python -m` runs it, and its output."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    @property
    def pid(self) -> int:
        """Return its id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return its exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


async def start(
    arguments: tuple[str, ...], environment: Mapping[str, str]
) -> tuple[Process, asyncio.StreamReader]:
    """Start a module with arguments; returns the process and what it prints, errors included."""
    receiving, sending = os.pipe()
    output = Connection(sending, readable=False)
    process = _FORKS.Process(target=_become, args=(arguments, dict(environment), output))
    process.daemon = True
    process.start()
    output.close()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(receiving, "rb", buffering=0)
    )
    return Process(process), lines


def _become(arguments: tuple[str, ...], environment: dict[str, str], output: Connection) -> None:
    """Be that program from here on; runs in the new process."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(output.fileno(), stream.fileno())
    output.close()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # standard output is a text file
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
