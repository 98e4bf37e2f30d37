"""`make crash-matrix`: every step with every fault, or some of them."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from crash.cases import Case, matrix
from crash.drive import Outcome, live
from support.postgres import TEMPLATE, Server, empty, make_template, running_server


def main() -> None:
    """Run the matrix and print what it saw; ends with 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--first", type=int, default=1, help="begin with this one of them")
    parser.add_argument("--jobs", type=int, default=3, help="cases at a time; default 3")
    options = parser.parse_args()
    cases = [case for case in matrix() if options.only in str(case)][options.first - 1 :]
    with running_server() as server:
        outcomes = asyncio.run(run(cases, server, options.jobs))
    failed = [outcome for outcome in outcomes if outcome.problems]
    missed = [outcome for outcome in outcomes if not outcome.reached and not outcome.problems]
    for outcome in failed:
        print(f"{outcome.case}:", *outcome.problems, sep="\n    ")
    print(
        f"{len(outcomes)} cases, {len(missed)} whose step was not reached, {len(failed)} with "
        f"differences; {sum(o.orders for o in outcomes)} orders and "
        f"{sum(o.fills for o in outcomes)} fills compared"
    )
    sys.exit(1 if failed else 0)


async def run(cases: list[Case], server: Server, jobs: int) -> list[Outcome]:
    """Run cases, so many at a time, each worker on a database of its own."""
    await make_template(server)
    todo = iter(cases)
    outcomes: list[Outcome] = []
    began = time.monotonic()

    async def work(waiting: Iterator[Case]) -> None:
        url = server.url(await server.create_database(TEMPLATE))
        for case in waiting:
            with tempfile.TemporaryDirectory(prefix="crash-") as folder:
                try:
                    outcome = await live(case, Path(folder), url)
                except Exception as exc:  # noqa: BLE001 - the other cases go on
                    outcome = Outcome(case, True, 0, 0, (f"{exc!r}",))
            await empty(url)
            outcomes.append(outcome)
            verdict = "differs" if outcome.problems else "ok" if outcome.reached else "not reached"
            spent = time.monotonic() - began
            said = f"[{spent:7.1f} s] {len(outcomes)}/{len(cases)} {case}: {verdict}"
            print(said, *outcome.problems, sep="\n    ", flush=True)

    await asyncio.gather(*(work(todo) for _ in range(jobs)))
    return outcomes


if __name__ == "__main__":
    main()
