"""Run seeds of the simulation; `make simulate` calls it."""

import argparse
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from simulation.report import missing, transitions_counted
from simulation.tally import Tally
from simulation.world import MIDNIGHT_MS, Tell, World

ALL_SEEN_FROM = 1_000
"""So many seeds must have seen everything that there is to see."""
BATCH = 50


def main() -> None:
    """Run seeds and report what they hit; the first violation ends the run."""
    parser = argparse.ArgumentParser(prog="simulation", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--story", action="store_true", help="tell what happens")
    parser.add_argument("--processes", type=int, default=1, help="share the seeds among so many")
    options = parser.parse_args()
    began_s = time.monotonic()
    last = options.first + options.seeds
    batches = [range(n, min(n + BATCH, last)) for n in range(options.first, last, BATCH)]
    tally = Tally()
    if options.processes > 1:
        with ProcessPoolExecutor(options.processes) as pool:
            _add_up(tally, pool.map(_run_quietly, batches))
    else:
        _add_up(tally, (_run(batch, tell=_tell if options.story else None) for batch in batches))
    _conclude(tally, options.seeds, time.monotonic() - began_s)


def _run_quietly(seeds: range) -> Tally:
    return _run(seeds)


def _run(seeds: range, tell: Tell | None = None) -> Tally:
    tally = Tally()
    with transitions_counted(tally):
        for seed in seeds:
            try:
                World(seed, tally, tell or _keep_quiet).run()
            except Exception:  # noqa: BLE001 - whatever it is, the seed is what matters
                traceback.print_exc()
                print(f"seed {seed} failed; replay it: --first {seed} --story", flush=True)
                tally.count("failed")
                break
    return tally


def _add_up(total: Tally, tallies: Iterable[Tally]) -> None:
    for tally in tallies:
        total.update(tally)
        if tally["failed"]:
            sys.exit(1)


def _conclude(tally: Tally, seeds: int, took_s: float) -> None:
    print(tally.table())
    print(f"{seeds} seeds in {took_s:.1f} s: {seeds / took_s:.1f} a second; no violation")
    unseen = missing(tally)
    if unseen and seeds >= ALL_SEEN_FROM:
        print("never seen:", *unseen, sep="\n  ")
        sys.exit(1)


def _keep_quiet(_now_ms: int, _who: str, _what: str, _facts: dict[str, Any]) -> None:
    """Tell nothing."""


def _tell(now_ms: int, who: str, what: str, facts: dict[str, Any]) -> None:
    told = " ".join(f"{name}={value}" for name, value in facts.items())
    print(f"{(now_ms - MIDNIGHT_MS) / 1000:10.3f}  {who:7} {what:40} {told}")


if __name__ == "__main__":
    main()
