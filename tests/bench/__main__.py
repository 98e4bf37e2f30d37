"""`make bench`: the project's figures, measured in one run and printed as a table."""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench import core, ending, halts, history, limits, recovery, scale, stream
from bench.latency import compare
from bench.rounds import Row
from kind.kubectl import STATE, Kubectl, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.trading import SYMBOLS, Platform, image, platform, trading, wait_until_trading

ALONE = 3
FIVE_TRADERS_WITHIN_S = 120
SYMBOLS_MANY = 500
SESSIONS = 500
ROUNDS = 3
IDLE_S = 180.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("leaders", "operator", "latency", "stream", "history", "core", "limits", "halts")
    parser.add_argument("--only", choices=names)
    parser.add_argument("--symbols", type=int, default=SYMBOLS_MANY, help="of the operator's part")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of flips, each with a floor")
    parser.add_argument("--cycles", type=int, default=history.CYCLES, help="of the history")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="of the limits' part")
    parser.add_argument("--soak", type=int, default=0, metavar="MINUTES", help="and its memory")
    options = parser.parse_args()
    parts = _parts(options)
    chosen = [options.only] if options.only else list(parts)
    rows = [row for name in chosen for row in parts[name]()]
    width = max(len(row[0]) for row in rows)
    for name, value, goal in rows:
        print(f"{name:<{width}}  {value:>14}  {goal}")


def _parts(options: argparse.Namespace) -> dict[str, Callable[[], list[Row]]]:
    size = scale.Size(options.symbols, options.rounds, IDLE_S, options.soak)
    return {
        "leaders": _on_the_cluster,
        "operator": lambda: asyncio.run(scale.measure(_run_name(), size)),
        "latency": lambda: asyncio.run(_latency()),
        "stream": lambda: asyncio.run(stream.measure()),
        "history": lambda: asyncio.run(history.measure(options.cycles)),
        "core": core.measure,
        "limits": lambda: asyncio.run(limits.measure(options.sessions)),
        "halts": lambda: asyncio.run(halts.measure(halts.Size())),
    }


async def _latency() -> list[tuple[str, str, str]]:
    print("measuring price to order, with and without Postgres ...", file=sys.stderr, flush=True)
    found = await compare()
    parts = (
        ("price to order", found.kept),
        ("  the loop without a record", found.alone),
        ("  one bare INSERT ... RETURNING", found.insert),
    )
    figures = [
        (f"{name}, {of}", f"{value:.2f} ms", "")
        for name, part in parts
        for of, value in (("median", part.median_ms), ("p99", part.p99_ms))
    ]
    return [
        *figures,
        ("  of the sum of the parts, median", f"{found.median_ratio:.2f}x", "goal: 1.5x"),
        ("  of the sum of the parts, p99", f"{found.p99_ratio:.2f}x", "goal: 2x"),
    ]


def _on_the_cluster() -> list[tuple[str, str, str]]:
    print("measuring leaders on the cluster ...", file=sys.stderr, flush=True)
    run = _run_name()
    names = (f"{run}-market", f"{run}-real")
    try:
        with platform(prepare_namespace(names[0], secrets=False)) as made:
            return _leaders(run, made)
    finally:
        Kubectl("default").run("delete", "namespace", *names, "--ignore-not-found", "--wait=false")


def _run_name() -> str:
    return f"bench-{datetime.now(UTC):%H%M%S}"


def _leaders(run: str, made: Platform) -> list[tuple[str, str, str]]:
    home = prepare_namespace(f"{run}-real", database=made.leaders_database)
    folder = STATE / "bench"
    folder.mkdir(exist_ok=True)
    operator = OperatorProcess(
        image("symbol-trader"), [home.namespace], folder, exchange=made.address
    )
    try:
        operator.start()
        alone = [_first_order(home, made, symbol) for symbol in SYMBOLS[:ALONE]]
        memory = _memory(home, SYMBOLS[0].lower())
        killed = recovery.killed(home, [name.lower() for name in SYMBOLS[:ALONE]] * 2)
        twenty = _twenty(home, made)
        operator_s = recovery.operator_killed(home, operator, SYMBOLS[25])
        frozen = recovery.frozen(home, made, operator, SYMBOLS[24])
        operator.end()
    finally:
        operator.kill()
        operator.reap()
    size = _image_megabytes(image("symbol-trader"))
    return [
        ("apply to first order, best of 3", f"{min(alone):.1f} s", "goal: 5 s"),
        ("apply to first order, worst of 3", f"{max(alone):.1f} s", "goal: 5 s"),
        ("20 symbols applied at once, all trading", f"{twenty:.1f} s", "goal: 60 s"),
        ("leader with 5 traders, resident", f"{memory:.1f} MiB", "goal: 80 MiB"),
        ("image of the trader", f"{size:.1f} MB", "goal: 250 MB"),
        *recovery.rows(killed, operator_s, frozen),
    ]


def _first_order(home: Kubectl, made: Platform, symbol: str) -> float:
    before = time.time()
    home.apply(manifest(symbol.lower(), "on", symbol=f"{symbol}USDT", maxBuyAge="5s"))
    wait_until_trading(home, symbol.lower(), within=120)
    return _accepted(made, f"{symbol}USDT") - before


def _twenty(home: Kubectl, made: Platform) -> float:
    names = SYMBOLS[4:24]
    text = "---\n".join(manifest(n.lower(), "on", symbol=f"{n}USDT") for n in names)
    before = time.time()
    home.apply(text)
    for name in names:
        eventually(lambda name=name: trading(home, name.lower()), within=240)  # type: ignore[misc]  # the default binds this round's value
    return max(_accepted(made, f"{name}USDT") for name in names) - before


def _accepted(made: Platform, symbol: str) -> float:
    """Return when the exchange created the symbol's first order, in seconds of this clock."""
    text = "SELECT min(timestamp_ms) FROM orders WHERE symbol = $1 AND order_id IS NOT NULL"
    first: Any = made.query(text, symbol)[0][0]
    return float(first) / 1000


def _memory(home: Kubectl, name: str) -> float:
    eventually(
        lambda: home.symbol(name)["status"].get("traders", 0) == 5, within=FIVE_TRADERS_WITHIN_S
    )
    text = home.run("exec", f"{name}-leader", "--", "cat", "/proc/1/status")
    match = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert match
    return int(match[1]) / 1024


def _image_megabytes(reference: str) -> float:
    host = json.loads((STATE / "cluster.json").read_text())["docker_host"]
    engine = ("--host", host) if host else ()
    ask = ["docker", *engine, "image", "inspect", "--format", "{{.Size}}", reference]
    done = subprocess.run(ask, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1e6


if __name__ == "__main__":
    ending.run(main)
