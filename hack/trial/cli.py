"""The command line of `make try`."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from localcluster.console import Console
from postgresql.programs import ProgramsMissing
from postgresql.server import ServerError
from trial import resource
from trial.failure import BusyError, TryError
from trial.place import Place
from trial.request import RUNS_ALREADY, STATUSES, Plan, plan
from trial.running import Run
from trial.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).resolve().parents[2] / ".try"


def parser() -> argparse.ArgumentParser:
    """Make the parser."""
    top = argparse.ArgumentParser(
        prog="trial",
        description=f"Trade {resource.SYMBOL} with paper money on this machine, shown live until "
        "Ctrl-C. PostgreSQL, the paper exchange and the leader are started here and end with it.",
    )
    top.add_argument(
        "--status",
        choices=STATUSES,
        help="what is asked for; a run in another shell is told. Default: on",
    )
    top.add_argument("--clean", action="store_true", help="forget what was traded")
    top.add_argument("--folder", type=Path, default=FOLDER, help="where everything is kept")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run it; 0 if it went as asked, 1 with the reason on standard error if not."""
    chosen = parser().parse_args(arguments)
    place = Place(chosen.folder)
    try:
        return _clean(place) if chosen.clean else _ask(place, chosen.status)
    except (TryError, ServerError, ProgramsMissing) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1


def _ask(place: Place, status: str | None) -> int:
    place.make()
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(place.alone())
        except BusyError as exc:
            return _carry_out(place, plan(status, runs=True, known=True, process=str(exc)))
        decided = plan(status, runs=False, known=place.resource.exists())
        code = _carry_out(place, decided)
        if decided.start:
            return Run(place, lock, Console(), Stop()).trade(sys.stdout)
        return code


def _carry_out(place: Place, decided: Plan) -> int:
    """Write the status, and say what there is to say. Raises `TryError`."""
    if decided.status:
        text = place.resource.read_text() if place.resource.exists() else resource.fresh()
        place.write_resource(resource.with_status(text, decided.status))
    if decided.say:
        out = sys.stderr if decided.refused else sys.stdout
        out.write(f"{decided.say}\n")
    return 1 if decided.refused else 0


def _clean(place: Place) -> int:
    if not place.folder.exists():
        return 0
    place.make()
    try:
        with place.alone():
            place.clear()
    except BusyError as exc:
        raise TryError(RUNS_ALREADY.format(process=f" (process {exc})")) from exc
    return 0
