"""Which PostgreSQL programs are taken, and what is said where there are none."""

from pathlib import Path

import pytest

from postgresql.programs import OLDEST, PROGRAMS, ProgramsMissing, find_programs, version


def install(folder: Path, major: int = OLDEST) -> Path:
    """Put executable stand-ins for the programs into a folder."""
    folder.mkdir(parents=True)
    for program in PROGRAMS:
        (folder / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {major}.1'\n")
        (folder / program).chmod(0o755)
    return folder


def test_the_wheel_has_all_of_them_in_a_version_that_the_record_supports() -> None:
    assert version(find_programs("")) >= OLDEST


def test_a_named_folder_is_taken_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = install(tmp_path / "bin")
    monkeypatch.setenv("POSTGRESQL_PROGRAMS", str(here))
    assert find_programs() == here


def test_one_that_is_too_old_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramsMissing, match=r"has PostgreSQL 13; the record needs 14 or newer"):
        find_programs(str(install(tmp_path / "bin", 13)))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    here = install(tmp_path / "bin")
    (here / "psql").unlink()
    with pytest.raises(ProgramsMissing, match="has no psql"):
        find_programs(str(here))


def test_what_does_not_run_here_is_refused(tmp_path: Path) -> None:
    here = install(tmp_path / "bin")
    (here / "postgres").write_bytes(b"\x7fELF")
    with pytest.raises(ProgramsMissing, match="does not run"):
        find_programs(str(here))


def test_without_the_wheel_the_message_says_what_to_do() -> None:
    with pytest.raises(ProgramsMissing, match="`make setup` does it, or POSTGRESQL_PROGRAMS names"):
        find_programs("", "no_such_package")
