"""A leader's story: the lines of its log, as a person reads them. Pure."""

import json
from typing import Any, Final

from tradingsymbol_api.reading import text

_AHEAD: Final = ("timestamp", "level", "event")
"""What stands before the facts of a line."""
_QUIET: Final = "info"
"""The level that goes without saying."""


def readable(line: str) -> str:
    """Return a line of the log; one that is JSON becomes time, event and facts."""
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if not text(said, "event"):
        return line
    moment, level, event = (text(said, name) for name in _AHEAD)
    loud = level.upper() if level != _QUIET else ""
    facts = (f"{name}={_shown(fact)}" for name, fact in said.items() if name not in _AHEAD)
    return "  ".join(filter(None, (_clock(moment), loud, event, *facts)))


def _clock(moment: str) -> str:
    """Cut an ISO time to seconds."""
    return moment[:19].replace("T", " ") + "Z" if moment else ""


def _shown(fact: Any) -> str:
    return fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)
