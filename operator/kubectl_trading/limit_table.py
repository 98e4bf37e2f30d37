"""Limits as lines of a table. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from kubectl_trading.limits import Limit, Used
from kubectl_trading.table import NOTHING, created_age, layout
from tradingsymbol_api.reading import text

HEADER: Final = ("NAME", "EXCHANGE", "HALTED", "HEARD", "LIMIT", "USED", "LEFT", "OF", "WHY")
WIDE: Final = ("REACHED SINCE", "ENVIRONMENT", "ACCOUNT", "ON LIMIT", "RESUME", "AGE")
"""What a wide table has besides, before the last column."""
UNUSED: Final = Used(NOTHING, "", NOTHING, NOTHING, NOTHING)
"""Stands for the amounts of a limit that has none, or that no leader has reported."""


def limit_table(
    limits: Sequence[Limit], *, namespaces: bool, wide_at: datetime | None = None
) -> list[str]:
    """Lay limits out, a line for each amount; with a column for their namespaces if asked for.

    With the time `wide_at` it is a wide table, which tells their ages.
    """
    head = (*HEADER[:-1], *WIDE, HEADER[-1]) if wide_at else HEADER
    rows: list[Sequence[str]] = [("NAMESPACE", *head) if namespaces else head]
    for limit in limits:
        for used in limit.usage or (UNUSED,):
            cells = (*_amount(limit, used), *_more(limit, used, wide_at), limit.halted)
            rows.append((limit.namespace, *cells) if namespaces else cells)
    return layout(rows)


def _amount(limit: Limit, used: Used) -> tuple[str, ...]:
    heard = f"{limit.heard}/{limit.leaders}"
    about = (limit.name, limit.exchange, limit.state, heard)
    return (*about, used.name, used.used, used.left, used.most)


def _more(limit: Limit, used: Used, wide_at: datetime | None) -> tuple[str, ...]:
    """Return the cells that `WIDE` names, none if it is no wide table."""
    if wide_at is None:
        return ()
    told = (
        used.reached_since,
        limit.environment,
        limit.account,
        text(limit.document, "spec", "onLimit"),
        text(limit.document, "spec", "resume"),
    )
    return (*(cell or NOTHING for cell in told), created_age(limit.document, wide_at))
