"""What follows from what a person asks for: pure."""

from __future__ import annotations

from dataclasses import dataclass

STATUSES = ("on", "off", "shutdown")
NOTHING_YET = "nothing was traded in this clone yet; `make try` begins"
RUNS_ALREADY = (
    "`make try` runs in this clone already{process}. Ctrl-C there ends it, and "
    "`make try STATUS=shutdown` here finishes what is open."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do."""

    status: str | None = None
    """To be written into the resource."""
    start: bool = False
    say: str = ""
    refused: bool = False


def plan(asked: str | None, *, runs: bool, known: bool, process: str = "") -> Plan:
    """Return what to do about a status that is `asked` for, None for a plain `make try`.

    `runs`: a leader runs in this clone, in `process`; `known`: there is something to go on with.
    """
    if runs:
        return _tell(asked, process)
    if asked in {None, "on"}:
        return Plan("on", start=True)
    if not known:
        return Plan(say=NOTHING_YET, refused=True)
    if asked == "shutdown":
        return Plan(asked, start=True)
    return Plan(asked, say="off; what rests on the exchange is on record, `make try` takes it up")


def _tell(asked: str | None, process: str) -> Plan:
    if asked is None:
        where = f" (process {process})" if process else ""
        return Plan(say=RUNS_ALREADY.format(process=where), refused=True)
    return Plan(asked, say=f"asked for {asked}; what follows is shown where `make try` runs")
