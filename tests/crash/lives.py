"""Carries out a case of either kind."""

from pathlib import Path

from crash import drive, limit_drive
from crash.cases import Case
from crash.drive import Outcome


async def live(case: Case, folder: Path, database: str) -> Outcome:
    """Carry out a case in an empty folder and on an empty database.

    Raises `HarnessFailed` where that was not possible.
    """
    carry_out = drive.live if case.rule is None else limit_drive.live_by_a_rule
    return await carry_out(case, folder, database)
