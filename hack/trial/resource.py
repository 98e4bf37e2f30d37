"""The text of the resource that the leader reads: pure."""

from __future__ import annotations

import re

import yaml

from demo import market
from trial.failure import TryError

NAMESPACE = "default"
SYMBOL = market.DEFAULT_SYMBOL
NAME = SYMBOL.lower()
QUOTE = "USDT"

_HEAD = "# Edits count at once, for the next trader. `make try` writes the status.\n"
_STATUS = re.compile(r"^( +status:)[^#\n]*?(\s*#.*)?$", re.MULTILINE)


def fresh() -> str:
    """Return the resource of a first run."""
    made = market.resource(SYMBOL, NAMESPACE)
    return _HEAD + yaml.safe_dump(made, sort_keys=False)


def with_status(text: str, status: str) -> str:
    """Return the text with another status, everything else in it as it is.

    Raises:
        TryError: no line of it is a status.

    """
    changed, count = _STATUS.subn(rf'\1 "{status}"\2', text)
    if count != 1:
        raise TryError(f"there is no line `status:` to write {status} into")
    return changed


def status_of(text: str) -> str:
    """Return the status that a text asks for, "?" if it cannot be read."""
    try:
        found = yaml.safe_load(text)["spec"]["status"]
    except (yaml.YAMLError, TypeError, KeyError, ValueError):
        return "?"
    if isinstance(found, bool):
        return "on" if found else "off"
    return found if isinstance(found, str) else "?"
