"""A real leader that ends at a chosen step: `python -m crash.victim run FILE …`.

Every await on exchange and record goes through a port, and here through a wrapper of that port. It
writes down each step, and at the chosen one the process kills or freezes itself.
"""

import asyncio
import inspect
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import symbol_trader.__main__ as program
from crash.cases import CANCEL_NOTED, LOOK, ORDER_NOTED, RENEWAL, REQUESTS, SLOT, Step, Way
from symbol_trader.binance import rest
from symbol_trader.binance.link import Link
from symbol_trader.binance.renewal import RenewedLine
from symbol_trader.core.orders import CancelIntent, Intent
from symbol_trader.postgres.limit_slots import PostgresSlots

T = TypeVar("T")

STEP_VARIABLE = "CRASH_STEP"
TRACE_VARIABLE = "CRASH_TRACE"
UNDER_WAY_S = 0.02
"""How long a call has been made when its step `during` is reached: written, perhaps answered."""

ARMED_VARIABLE = "CRASH_ARMED"
"""A file: where it is named, steps count from when it is there."""


class Steps:
    """Counts the steps of this process, writes them down, and ends it at one of them."""

    def __init__(self, end: Step | None, trace: Path, armed: Path | None = None) -> None:
        self._end = end
        self._armed = armed
        self._trace = trace.open("a", buffering=1)
        self._counts: Counter[tuple[str, str]] = Counter()

    def reach(self, call: str, phase: str) -> None:
        """Take a step; perhaps the last one, or the last for a while."""
        if self._armed and not self._armed.exists():
            return
        self._counts[call, phase] += 1
        self._trace.write(f"{call} {phase}\n")
        end = self._end
        if end and (end.call, end.phase) == (call, phase):
            if end.occurrence != self._counts[call, phase]:
                return
            print(f"reached {end}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL if end.way is Way.KILLED else signal.SIGSTOP)

    async def around(self, call: str, coroutine: Coroutine[Any, Any, T]) -> T:
        """Take the three steps of a call, and make it."""
        self.reach(call, "before")
        work = asyncio.ensure_future(coroutine)
        try:
            await asyncio.wait({work}, timeout=UNDER_WAY_S)
            self.reach(call, "during")
            result = await work
        finally:
            work.cancel()
        self.reach(call, "after")
        return result


class Port:
    """An adapter whose every await is three steps: before, during and after the call."""

    def __init__(self, name: str, adapter: Any, steps: Steps) -> None:
        self._name = name
        self._adapter = adapter
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._adapter, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def stepping(*arguments: Any, **named: Any) -> Any:
            call = _call(f"{self._name}.{name}", arguments)
            return await self._steps.around(call, attribute(*arguments, **named))

        return stepping


def _call(call: str, arguments: tuple[Any, ...]) -> str:
    """Return the name of a call; a note is told apart by the intent that it holds."""
    if call != "record.note":
        return call
    kinds = {type(change) for change in arguments[0]}
    return ORDER_NOTED if Intent in kinds else CANCEL_NOTED if CancelIntent in kinds else call


def main() -> None:
    """Run the program with its ports wrapped."""
    watch()
    program.main()


def watch() -> Steps:
    """Wrap the ports of record and exchange, and what is watched besides."""
    written, armed = os.environ.get(STEP_VARIABLE), os.environ.get(ARMED_VARIABLE)
    end, trace = Step.read(written) if written else None, Path(os.environ[TRACE_VARIABLE])
    steps = Steps(end, trace, Path(armed) if armed else None)
    parts = vars(program)
    parts["PostgresOwnership"] = _wrapped("ownership", parts["PostgresOwnership"], steps)
    parts["PostgresRecord"] = _wrapped("record", parts["PostgresRecord"], steps)
    parts["PostgresAccountLimits"] = _wrapped("limits", parts["PostgresAccountLimits"], steps)
    parts["BinanceExchange"] = _wrapped("exchange", parts["BinanceExchange"], steps)
    _watch_requests(steps)
    return steps


def _watch_requests(steps: Steps) -> None:
    """Take the steps of what goes on inside of a port's call, or beside all of them."""
    around(steps, Link, "send", lambda arguments: str(arguments[1]), only=REQUESTS)
    around(steps, RenewedLine, "_successor", lambda _: RENEWAL)
    around(steps, PostgresSlots, "reserve", lambda _: SLOT)
    around(steps, rest, "read_permissions", lambda _: LOOK)


def around(
    steps: Steps,
    owner: Any,
    name: str,
    call_of: Callable[[tuple[Any, ...]], str],
    only: Collection[str] | None = None,
) -> None:
    """Let each call of a function be three steps; of others than `only`, none."""
    function = getattr(owner, name)

    async def stepping(*arguments: Any, **named: Any) -> Any:
        call, work = call_of(arguments), function(*arguments, **named)
        return await (work if only and call not in only else steps.around(call, work))

    setattr(owner, name, stepping)


def _wrapped(name: str, make: Callable[..., Any], steps: Steps) -> Callable[..., Port]:
    return lambda *arguments, **named: Port(name, make(*arguments, **named), steps)


if __name__ == "__main__":
    main()
