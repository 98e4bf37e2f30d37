"""Run seeds of the simulation: `PYTHONPATH=tests python -m simulation --seeds 100 --first 0`."""

import argparse
import sys
import traceback
from typing import Any

from simulation.tally import Tally
from simulation.world import BEGIN_MS, World


def main() -> None:
    """Run seeds and report what they hit; tell the story of one with --story."""
    parser = argparse.ArgumentParser(prog="simulation", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--story", action="store_true", help="tell what happens")
    options = parser.parse_args()
    tally = Tally()
    for seed in range(options.first, options.first + options.seeds):
        try:
            if options.story:
                World(seed, tally, _tell).run()
            else:
                World(seed, tally).run()
        except Exception:
            traceback.print_exc()
            print(f"seed {seed} failed; replay it with --first {seed} --story")
            sys.exit(1)
    print(tally.table())


def _tell(now_ms: int, who: str, what: str, facts: dict[str, Any]) -> None:
    told = " ".join(f"{name}={value}" for name, value in facts.items())
    print(f"{(now_ms - BEGIN_MS) / 1000:10.3f}  {who:7} {what:40} {told}")


if __name__ == "__main__":
    main()
