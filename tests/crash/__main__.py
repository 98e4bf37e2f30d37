"""`make crash-matrix`: every step with every fault, a resumable shard of that, or some of them."""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from crash.cases import Case, matrix
from crash.harness import HarnessFailed
from crash.ledger import Ledger, Unusable, opened, tree_state
from crash.lives import live
from crash.shards import Result, Shard, ended_well, remaining, summary
from support.postgres import TEMPLATE, Server, empty, make_template, running_server

ROOT = Path(__file__).parents[2]

Keep = Callable[[Result], None]
"""Takes in a result. Raises `Unusable` where the run must not go on."""


def main() -> None:
    """Run cases and print what was seen; ends with 1 if one differs or came to no verdict."""
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--jobs", type=int, default=4, help="cases at a time; default 4")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--only", default="", help="cases whose name has this in it")
    chosen.add_argument("--shard", type=_shard, help="i/n: a part; resumes")
    options = parser.parse_args()
    try:
        if options.shard:
            well = run_shard(options.shard, options.jobs)
        else:
            well = run_cases([c for c in matrix() if options.only in str(c)], options.jobs)
    except Unusable as exc:
        sys.exit(str(exc))
    except asyncio.CancelledError:
        sys.exit("interrupted")
    sys.exit(0 if well else 1)


def _shard(text: str) -> Shard:
    try:
        return Shard.read(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def run_cases(cases: Sequence[Case], jobs: int) -> bool:
    """Run cases from their begin, keeping nothing; return whether all ended well."""
    done: dict[str, Result] = {}
    run(cases, jobs, lambda result: done.update({result.case: result}))
    _print_failed(done.values())
    print(summary(done.values()))
    return ended_well(cases, done)


def run_shard(shard: Shard, jobs: int) -> bool:
    """Run what a shard lacks at this state of the tree; return whether all of it ended well."""
    state = tree_state(ROOT)
    cases = shard.cases()
    with opened(ROOT, state, shard) as ledger:
        todo = remaining(cases, ledger.done)
        print(f"shard {shard} of {state}: {len(cases)} cases, {len(todo)} to run", flush=True)
        run(todo, jobs, lambda result: _keep(ledger, result, state))
        _print_failed(ledger.done.values())
        print(f"shard {shard} of {state}: {summary(ledger.done.values())}")
        print(
            f"all shards of {state} so far, of {len(matrix())}: {summary(ledger.of_all_shards())}"
        )
        return ended_well(cases, ledger.done)


def _keep(ledger: Ledger, result: Result, state: str) -> None:
    if tree_state(ROOT) != state:
        raise Unusable(f"the tree is no longer {state}: {result.case} is of neither state")
    if not result.unjudged:
        ledger.add(result)


def _print_failed(found: Iterable[Result]) -> None:
    for result in found:
        if result.problems:
            print(f"{result.case}:", *result.problems, sep="\n    ")


def run(cases: Sequence[Case], jobs: int, keep: Keep) -> None:
    """Run cases, so many at a time."""
    if cases:
        with running_server() as server:
            asyncio.run(_run(cases, server, jobs, keep))


async def _run(cases: Sequence[Case], server: Server, jobs: int, keep: Keep) -> None:
    """Share cases among workers, each with a database of its own. SIGTERM ends all of it."""
    main_task = asyncio.current_task()
    assert main_task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main_task.cancel)
    await make_template(server)
    waiting = enumerate(cases, 1)
    began_s = time.monotonic()

    async def work(waiting: Iterator[tuple[int, Case]]) -> None:
        url = server.url(await server.create_database(TEMPLATE))
        for number, case in waiting:
            result = await tried(case, url)
            keep(result)
            said = f"[{time.monotonic() - began_s:7.1f} s] {number}/{len(cases)} {case}"
            print(f"{said}: {result.verdict}", *result.problems, sep="\n    ", flush=True)

    await asyncio.gather(*(work(waiting) for _ in range(jobs)))


async def tried(case: Case, url: str) -> Result:
    """Carry out a case; once more if the harness failed at it."""
    try:
        return await _carried_out(case, url)
    except HarnessFailed as exc:
        print(f"{case}: tried again, the harness failed: {exc}", flush=True)
        first = str(exc)
    try:
        return replace(await _carried_out(case, url), retried=first)
    except HarnessFailed as exc:
        problem = f"the harness failed twice: {exc}"
        return Result(str(case), False, 0, 0, (problem,), retried=first, unjudged=True)


async def _carried_out(case: Case, url: str) -> Result:
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        try:
            seen = await live(case, Path(folder), url)
        except HarnessFailed:
            raise
        except Exception as exc:  # noqa: BLE001 - the other cases go on
            return Result(str(case), True, 0, 0, (f"{exc!r}",))
        finally:
            await empty(url)
    return Result(str(case), seen.reached, seen.orders, seen.fills, seen.problems)


if __name__ == "__main__":
    main()
