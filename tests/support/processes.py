"""Real processes for tests: the paper exchange and the bot, started, watched and killed by pid."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localports import free_port
from paper_exchange.shell.admin_client import AdminRefusedError, call
from support import forking

PATIENCE_S = 90
DEFAULTS = {"budget": 100, "maxBuyAge": "3s"}
"""A buy below a market that runs away would wait forever, and the test with it."""


@dataclass(slots=True)
class Running:
    """A process of ours and everything that it has said so far."""

    process: forking.Process
    lines: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reader: asyncio.Task[None] | None = None

    async def said(self, pattern: str, *, times: int = 1, within_s: float = PATIENCE_S) -> str:
        """Wait until so many lines match, and return the last of them."""
        expression = re.compile(pattern)

        def found() -> list[str]:
            return [line for line in self.lines if expression.search(line)]

        async with self._news:
            try:
                async with asyncio.timeout(within_s):
                    await self._news.wait_for(lambda: len(found()) >= times or self.over)
            except TimeoutError:
                pass
        if len(matches := found()) < times:
            tail = "\n".join(self.lines[-40:])
            raise AssertionError(f"{pattern!r} was said {len(matches)} times of {times}:\n{tail}")
        return matches[-1]

    def count(self, pattern: str) -> int:
        """Count the lines that match."""
        return sum(1 for line in self.lines if re.search(pattern, line))

    @property
    def over(self) -> bool:
        """Return whether the process has ended and its output is read."""
        return self._reader is not None and self._reader.done()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self, within_s: float = PATIENCE_S) -> int:
        """Wait for the end; return the exit code."""
        try:
            async with asyncio.timeout(within_s):
                code = await self.process.wait()
        except TimeoutError:
            tail = "\n".join(self.lines[-40:])
            raise AssertionError(f"it did not end within {within_s} s:\n{tail}") from None
        if self._reader:
            await self._reader
        return code

    async def kill(self) -> None:
        """Kill it at once, wherever it is."""
        if self.process.returncode is None:
            self.signal(signal.SIGKILL)
        await self.ended()

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Collect its output until it ends."""
        while line := await stream.readline():
            async with self._news:
                self.lines.append(line.decode().rstrip())
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


async def start(*arguments: str, environment: dict[str, str] | None = None) -> Running:
    """Start a Python module of the project as a process."""
    process, output = await forking.start(arguments, {**os.environ, **(environment or {})})
    running = Running(process)
    running._reader = asyncio.create_task(running.read(output))
    return running


@dataclass(slots=True)
class Venue:
    """A paper exchange as a process: it keeps its ports and its journal when started again."""

    journal: Path
    arguments: tuple[str, ...]
    port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    running: Running | None = None

    @property
    def address(self) -> str:
        """Return the base address of API and streams."""
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self.running = await start(
            "paper_exchange",
            "serve",
            *("--port", str(self.port)),
            *("--admin-port", str(self.admin_port)),
            *("--journal", str(self.journal)),
            *self.arguments,
        )
        await self.running.said(" serving ")

    async def kill(self) -> None:
        """Kill it at once."""
        assert self.running
        await self.running.kill()

    async def admin(self, command: str, **params: Any) -> dict[str, Any]:
        """Give an administrator's command."""
        return await call(f"ws://127.0.0.1:{self.admin_port}", command, params)


@contextlib.asynccontextmanager
async def venue(journal: Path, *arguments: str) -> AsyncIterator[Venue]:
    """Run a paper exchange; at the end it is gone."""
    exchange = Venue(journal, arguments)
    await exchange.start()
    try:
        yield exchange
    finally:
        await exchange.kill()


@dataclass(slots=True)
class Bot:
    """`symbol-trader run FILE` against a venue and a database."""

    file: Path
    venue: Venue
    database: str
    arguments: tuple[str, ...] = ()
    key: Path | None = None
    """The folder of its key; None: that of the paper exchange's own account."""
    running: Running | None = None
    _lives: list[Running] = field(default_factory=list)

    async def start(self, program: str = "symbol_trader", **environment: str) -> Running:
        """Start it (again)."""
        self.running = await start(
            program,
            "run",
            str(self.file),
            *self.arguments,
            environment={**self.environment, **environment},
        )
        self._lives.append(self.running)
        return self.running

    @property
    def environment(self) -> dict[str, str]:
        """Return what tells the leader where everything is."""
        return {
            "SYMBOL_TRADER_DATABASE_URL": self.database,
            "SYMBOL_TRADER_EXCHANGE_API_URL": f"{self.venue.address}/ws-api/v3",
            "SYMBOL_TRADER_EXCHANGE_STREAM_URL": self.venue.address,
            "SYMBOL_TRADER_EXCHANGE_KEY": str(self.key or key_folder(self.file.parent / "key")),
        }

    def ask(self, **spec: Any) -> None:
        """Write the resource's file."""
        write_resource(self.file, **spec)

    async def kill(self) -> None:
        """Kill it at once, and whatever of it still runs."""
        for life in self._lives:
            await life.kill()


def key_folder(folder: Path, key: str = "paper", secret: str = "paper-secret") -> Path:
    """Write the files of an HMAC key, and return their folder."""
    folder.mkdir(exist_ok=True)
    (folder / "api-key").write_text(key)
    (folder / "api-secret").write_text(secret)
    return folder


def write_resource(file: Path, **spec: Any) -> None:
    """Write a TradingSymbol file in one piece, as an editor does."""
    symbol = str(spec.get("symbol", "XRPUSDT"))
    name = symbol.lower() if symbol.isascii() else "named-otherwise"
    lines = [
        "apiVersion: tradingsymbol.dev/v1alpha1",
        "kind: TradingSymbol",
        f"metadata: {{name: {name}}}",
        "spec:",
        *(f"  {key}: {value}" for key, value in {**DEFAULTS, **spec}.items()),
    ]
    new = file.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n", encoding="utf-8")
    new.replace(file)


async def until(
    condition: Callable[[], Any], *, within_s: float = PATIENCE_S, every_s: float = 0.05
) -> Any:
    """Wait until an (async) condition holds, and return what it returned."""
    async with asyncio.timeout(within_s):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(every_s)


__all__ = ["AdminRefusedError", "Bot", "Running", "Venue", "free_port", "start", "until", "venue"]
