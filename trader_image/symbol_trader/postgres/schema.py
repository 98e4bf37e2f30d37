"""Which version of the schema this program works with, and what it says when a record has another.

Versions are numbers that grow: 0001, 0002, … The newest is `SCHEMA_VERSION`.
"""

from symbol_trader.errors import SchemaMismatch

SCHEMA_VERSION = "0007"
VERSION_TABLE = "schema_version"


def check(found: str | None) -> None:
    """Compare the record's version with this program's. Raises `SchemaMismatch`."""
    check_not_newer(found)
    if found is None:
        raise SchemaMismatch(
            f"the database holds no record, this program needs schema {SCHEMA_VERSION}: "
            "run `symbol-trader migrate`"
        )
    if found < SCHEMA_VERSION:
        raise SchemaMismatch(
            f"the record has schema {found}, this program needs {SCHEMA_VERSION}: "
            "run `symbol-trader migrate`"
        )


def check_not_newer(found: str | None) -> None:
    """Make sure that the record is not ahead of this program. Raises `SchemaMismatch`."""
    if found is not None and found > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"the record has schema {found}, this program needs {SCHEMA_VERSION}: "
            "use the program that migrated it, or a newer one"
        )
