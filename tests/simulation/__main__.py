"""Replay seeds of the simulation: `PYTHONPATH=tests python -m simulation --seed 7`."""

import argparse
from typing import Any

from simulation.tally import Tally
from simulation.world import BEGIN_MS, World


def main() -> None:
    """Run one seed and tell its story, or a range of seeds and print what they saw."""
    parser = argparse.ArgumentParser(prog="simulation", description=main.__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="tell the story of one seed")
    which.add_argument("--seeds", type=int, nargs=2, metavar=("FROM", "TO"), help="TO is excluded")
    options = parser.parse_args()
    tally = Tally()
    if options.seed is not None:
        World(options.seed, tally, _tell).run()
    else:
        for seed in range(*options.seeds):
            print(f"\rseed {seed}", end="", flush=True)
            World(seed, tally).run()
        print()
    print(tally.table())


def _tell(now_ms: int, what: str, facts: dict[str, Any]) -> None:
    told = " ".join(f"{name}={value}" for name, value in facts.items())
    print(f"{(now_ms - BEGIN_MS) / 1000:10.3f}  {what:40} {told}")


if __name__ == "__main__":
    main()
