"""The command line of the demonstration."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from demo import market
from demo.demonstration import Demonstration
from demo.recording import Recording, load
from localcluster.cli import default_name, exit_code
from localcluster.commands import Commands
from localcluster.console import Console
from localcluster.folders import locate

if TYPE_CHECKING:
    from collections.abc import Sequence

_SYMBOL = "[A-Z0-9]{1,20}"


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    top = argparse.ArgumentParser(
        prog="demo",
        description="Trade one symbol with paper money on a local cluster, and show it live. "
        "Without a terminal it ends once the symbol trades.",
    )
    top.add_argument(
        "--trades",
        type=Path,
        metavar="FILE",
        help="play this recording: CSV or raw stream, .zip, .gz or not; default: a "
        "synthetic market",
    )
    top.add_argument(
        "--speed",
        type=_speed,
        help="market time per wall time; default: 1, and a recording takes six minutes",
    )
    top.add_argument(
        "--symbol",
        type=_symbol,
        help=f"what to trade; default: {market.DEFAULT_SYMBOL}, or a raw recording's first",
    )
    top.add_argument(
        "--loop", action="store_true", help="play the recording again and again, without a jump"
    )
    return top


def main(arguments: Sequence[str]) -> int:
    """Run it; the exit code is 0 if the symbol traded."""
    chosen = parser().parse_args(arguments)
    return exit_code(lambda: demonstrate(chosen))


def demonstrate(chosen: argparse.Namespace) -> None:
    """Prepare what was chosen, and show it. Raises `LocalClusterError`."""
    recording = load(chosen.trades, chosen.symbol) if chosen.trades else None
    console = Console()
    demonstration = Demonstration(
        Commands(locate(), console),
        console,
        recording,
        _market(chosen, recording),
        again(chosen),
    )
    demonstration.prepare(default_name())
    demonstration.show(sys.stdout)


def again(chosen: argparse.Namespace) -> str:
    """Return the command of the Makefile that asks for the same."""
    given = {"TRADES": chosen.trades, "SPEED": chosen.speed, "SYMBOL": chosen.symbol}
    words = [f"{name}={shlex.quote(str(value))}" for name, value in given.items() if value]
    return " ".join(["make demo", *words, *(["LOOP=1"] if chosen.loop else [])])


def _market(chosen: argparse.Namespace, recording: Recording | None) -> market.Market:
    if recording is None:
        return market.synthetic(chosen.symbol, chosen.speed)
    return market.recorded(recording, chosen.speed, loop=chosen.loop)


def _speed(text: str) -> Decimal:
    try:
        speed = Decimal(text)
    except InvalidOperation:
        speed = Decimal(0)
    if not speed.is_finite() or speed <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return speed


def _symbol(text: str) -> str:
    if not re.fullmatch(_SYMBOL, text):
        raise argparse.ArgumentTypeError(f"{text!r} is no symbol: A-Z and 0-9, such as XRPUSDT")
    return text
