"""A shell that runs blocks one after the other, and can be interrupted as a person does it."""

import asyncio
import codecs
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from docwalk.pages import Await, Ending

LIMIT_S: Final = 900
"""Time that a block may take: `make setup` on a busy machine, `make demo` with images to build."""
END_S: Final = 60
"""Time that a command may take to end after Ctrl-C."""

_LOOP: Final = r"""
while read -r -u {asks} _how _block; do
  if [ "$_how" = interrupt ]; then
    # A person's shell outlives a command that Ctrl-C ends, and so does this one.
    trap : INT
    trap '_code=$?; [ $_code = 130 ] || exit $_code' ERR
    set +e
  fi
  . "$_block"
  trap - INT ERR
  set -e
  echo >&{overs}
done
"""
"""Each block is read into the same shell: it finds what those before it have set."""


class BlockError(Exception):
    """A block did not do what it should; the message says how."""


class Shell:
    """A shell in a session of its own: a signal to its group reaches what it runs."""

    def __init__(
        self, process: asyncio.subprocess.Process, asks: int, overs: int, output: int
    ) -> None:
        """Take a shell that was started, with the ends of its pipes: those to read do not block."""
        self.said = ""
        self._process = process
        self._asks = asks
        self._overs = overs
        self._output = output
        self._is_over = True
        self._changed = asyncio.Event()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(output, self._read_output)
        self._loop.add_reader(overs, self._read_over)
        self._end = asyncio.create_task(self._wait())

    async def run(self, script: Path, awaits: Await | None, limit_s: float = LIMIT_S) -> None:
        """Run a block: to its end, or until it keeps running. Raises `BlockError`."""
        self.said, self._is_over = "", False
        os.write(self._asks, f"{'interrupt' if awaits else 'end'} {script}\n".encode())
        if awaits is None:
            await self._ended(limit_s)
            return
        await self._until(lambda: awaits.text in self.said, limit_s)
        if awaits.text not in self.said:
            raise BlockError(f"it ended before it printed {awaits.text!r}{self._status}")
        if awaits.ending is Ending.INTERRUPT:
            await self.finish()

    async def finish(self) -> None:
        """End by Ctrl-C what keeps running. Raises `BlockError` unless it ends well."""
        self._interrupt()
        await self._ended(END_S)

    async def close(self) -> None:
        """End the shell and all that runs in it."""
        os.close(self._asks)
        self._interrupt()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await asyncio.shield(self._end)
        self._signal(signal.SIGKILL)
        await self._end
        for pipe in (self._overs, self._output):
            self._loop.remove_reader(pipe)
            os.close(pipe)

    def _interrupt(self) -> None:
        if not self._is_over:
            self._signal(signal.SIGINT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # nothing of it is left
            os.killpg(self._process.pid, number)

    async def _ended(self, limit_s: float) -> None:
        await self._until(lambda: False, limit_s)
        if self._process.returncode is not None:
            raise BlockError(f"it ended{self._status}")

    @property
    def _status(self) -> str:
        code = self._process.returncode
        return "" if code is None else f", and its shell, with exit status {code}"

    async def _until(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Wait until something holds, or the block is over."""
        try:
            async with asyncio.timeout(limit_s):
                while not (condition() or self._is_over):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise BlockError(f"it is not over after {limit_s:g} s") from None

    async def _wait(self) -> None:
        await self._process.wait()
        self._over()

    def _read_over(self) -> None:
        if os.read(self._overs, 1):
            self._over()
        else:
            self._loop.remove_reader(self._overs)

    def _over(self) -> None:
        """Take that a block is over; all that it has printed was there before."""
        self._read_output()
        self._is_over = True
        self._changed.set()

    def _read_output(self) -> None:
        with suppress(BlockingIOError):
            while chunk := os.read(self._output, 65536):
                self.said += self._decoder.decode(chunk)
            self._loop.remove_reader(self._output)
        self._changed.set()


def _hear_ctrl_c() -> None:
    """Take SIGINT as a person's shell does; what runs in the background may ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def shell(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Shell]:
    """Run a shell in a folder; at the end it is gone, with all that runs in it."""
    asked, asks = os.pipe()
    overs, over = os.pipe()
    output, out = os.pipe()
    for pipe in (overs, output):
        os.set_blocking(pipe, False)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", _LOOP.format(asks=asked, overs=over)),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        pass_fds=(asked, over),
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,
    )
    for pipe in (asked, over, out):
        os.close(pipe)
    running = Shell(process, asks, overs, output)
    try:
        yield running
    finally:
        await running.close()
