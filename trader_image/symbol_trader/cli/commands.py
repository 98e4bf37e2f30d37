"""All commands that do not lead."""

from typing import Final

import click

from symbol_trader.cli import audit, limits, record

ALL: Final[tuple[click.Command, ...]] = (
    audit.audit,
    limits.halt,
    limits.resume,
    record.migrate,
    record.takeover,
    record.disown,
    record.settle,
)
