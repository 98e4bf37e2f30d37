"""The folder of `make try`: one process at a time, and a record that PostgreSQL reaches."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgresql.account import give_away, reachable, reaches, run_as
from trial.failure import BusyError, TryError
from trial.place import Place

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / ".try")
    made.make()
    yield made
    made.clear()


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder that every account reaches; those of pytest are root's alone."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


def test_one_process_at_a_time(place: Place) -> None:
    with place.alone(), pytest.raises(BusyError, match=str(os.getpid())), place.alone():
        pass
    with place.alone():
        pass


def test_whoever_has_the_lock_open_keeps_the_others_out(place: Place) -> None:
    with place.alone() as lock:
        kept = os.dup(lock)
    with pytest.raises(BusyError), place.alone():
        pass
    os.close(kept)
    with place.alone():
        pass


def test_the_record_is_where_whoever_runs_postgresql_reaches_it(place: Place) -> None:
    home = place.of_postgres()
    assert reaches(home)
    assert place.of_postgres() == home
    place.clear()
    assert not home.exists()
    assert not place.folder.exists()


@AS_ROOT
def test_in_a_closed_clone_of_roots_it_is_elsewhere(place: Place) -> None:
    place.folder.parent.chmod(0o700)
    home = place.of_postgres()
    assert not home.is_relative_to(place.folder)
    assert home.stat().st_uid != 0
    home.rmdir()
    with pytest.raises(TryError, match=r"is gone, and the record with it\. `make try-clean`"):
        place.of_postgres()


@AS_ROOT
def test_programs_out_of_reach_are_copied(public: Path) -> None:
    closed = public / "closed"
    programs = closed / "wheel" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("#!/bin/sh\n")
    (programs / "postgres").chmod(0o755)
    (closed / "wheel.libs").mkdir()
    folder = public / "folder"
    folder.mkdir()
    give_away(folder)
    assert reachable(programs, folder) == programs
    closed.chmod(0o700)
    found = reachable(programs, folder)
    assert found == folder / "programs" / "wheel" / "pginstall" / "bin"
    assert (found / "postgres").stat().st_uid == run_as(folder)["user"]
    assert (folder / "programs" / "wheel.libs").is_dir()
