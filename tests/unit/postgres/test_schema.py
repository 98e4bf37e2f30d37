"""Which version of the schema this program works with, and what a leader loads for it."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from symbol_trader.errors import SchemaMismatch
from symbol_trader.postgres import schema
from symbol_trader.postgres.schema import SCHEMA_VERSION, check, check_not_newer

MIGRATIONS = str(Path(schema.__file__).parent / "migrations")


def test_the_program_needs_the_newest_version_there_is() -> None:
    versions = ScriptDirectory(MIGRATIONS)
    assert versions.get_heads() == [SCHEMA_VERSION]


def test_versions_are_numbers_that_grow_one_by_one() -> None:
    versions = ScriptDirectory(MIGRATIONS)
    names = [version.revision for version in versions.walk_revisions()]
    assert names == [f"{number:04}" for number in range(len(names), 0, -1)]


def test_its_own_version_is_fine() -> None:
    check(SCHEMA_VERSION)
    check_not_newer(SCHEMA_VERSION)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "holds no record, this program needs schema 0007: run `symbol-trader migrate`"),
        ("0002", "has schema 0002, this program needs 0007: run `symbol-trader migrate`"),
        ("0008", "has schema 0008, this program needs 0007: use the program that migrated it"),
    ],
)
def test_another_version_is_told_with_the_one_that_is_needed(found: str | None, text: str) -> None:
    with pytest.raises(SchemaMismatch) as told:
        check(found)
    assert text in str(told.value)


@pytest.mark.parametrize("found", [None, "0001", "0002", "0003"])
def test_an_older_record_may_be_migrated(found: str | None) -> None:
    check_not_newer(found)


def test_a_leader_never_loads_the_migration_tool() -> None:
    """It costs tens of megabytes, and every leader would pay."""
    program = (
        "import sys, symbol_trader.postgres.record, symbol_trader.postgres.epochs,"
        "symbol_trader.postgres.ownership;"
        "print(sorted({'alembic', 'sqlalchemy', 'greenlet', 'mako'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
