"""How the tests find a PostgreSQL server, and what they say where there is none."""

from pathlib import Path

import pytest

from support.postgres import PROGRAMS, ServerMissing, find_programs


def install(folder: Path) -> Path:
    """Put executable stand-ins for the server's programs into a folder."""
    folder.mkdir(parents=True)
    for program in PROGRAMS:
        (folder / program).touch(mode=0o755)
    return folder


def test_programs_on_the_path_are_taken(tmp_path: Path) -> None:
    here = install(tmp_path / "here")
    install(tmp_path / "debian" / "16" / "bin")
    assert find_programs(str(here), tmp_path / "debian") == here


def test_else_debians_newest_version_is_taken(tmp_path: Path) -> None:
    for version in ("9", "16", "15"):
        install(tmp_path / version / "bin")
    (tmp_path / "17" / "bin").mkdir(parents=True)
    assert find_programs("", tmp_path) == tmp_path / "16" / "bin"


def test_without_a_server_the_message_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ServerMissing, match="apt-get install postgresql"):
        find_programs("", tmp_path)
