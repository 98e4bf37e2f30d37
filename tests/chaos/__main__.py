"""`make chaos`: the full day."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from chaos.day import FULL, Outcome, trade
from support.postgres import TEMPLATE, make_template, running_server


def main() -> None:
    """Trade a day under kills, and print what it came to; ends with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the kills; default 1")
    seed = parser.parse_args().seed
    began = time.monotonic()
    outcome = asyncio.run(run(seed))
    print(f"seed {seed}, {time.monotonic() - began:.0f} s: {outcome}", *outcome.problems, sep="\n")
    sys.exit(1 if outcome.problems else 0)


async def run(seed: int) -> Outcome:
    """Carry out the full plan on a server of its own."""
    with running_server(fsync=True) as server, tempfile.TemporaryDirectory() as folder:
        await make_template(server)
        database = server.url(await server.create_database(TEMPLATE))
        return await trade(FULL, seed, Path(folder), server, database)


if __name__ == "__main__":
    main()
