"""The walk over invented pages, with a real shell."""

import signal
from pathlib import Path

import pytest

from docwalk import workplace as places
from docwalk.pages import Kind, read_page
from docwalk.walk import PageError, walk
from docwalk.workplace import PROJECT, Workplace, workplace

SERVES = "trap 'echo ended; exit' INT; echo serving; while :; do sleep 0.1; done"
"""A program that runs until Ctrl-C, and ends well then."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workplace:
    """Return a place to walk in, which has this one program instead of a repository."""
    (tmp_path / "repository" / "serve").parent.mkdir()
    program = tmp_path / "repository" / "serve"
    program.write_text(f"#!/bin/bash\n{SERVES}\n")
    program.chmod(0o755)
    monkeypatch.setattr(places, "PROJECT", program.parent)
    monkeypatch.setattr(places, "list_files", lambda: ["serve"])
    return Workplace(tmp_path)


async def run(place: Workplace, text: str, *, limit_s: float = 30) -> list[str]:
    """Walk a page; returns what was said of its blocks."""
    page = read_page("docs/page.md", text)
    assert page.faults == ()
    said: list[str] = []
    blocks = page.walk(Kind.LOCAL)
    await walk(page, blocks, place, place.environment(), say=said.append, limit_s=limit_s)
    return said


async def failure(place: Workplace, text: str, *, limit_s: float = 30) -> str:
    """Walk a page that fails; returns why."""
    with pytest.raises(PageError) as failed:
        await run(place, text, limit_s=limit_s)
    return str(failed.value)


async def test_a_block_finds_what_those_before_it_have_set(place: Workplace) -> None:
    said = await run(place, block("X=1\ncd /") + block('[ "$X$PWD" = 1/ ]'))
    assert [line.partition(" (")[0] for line in said] == [
        "docs/page.md:2: X=1 …",
        'docs/page.md:6: [ "$X$PWD" = 1/ ]',
    ]


async def test_a_block_that_fails_is_named_with_page_and_line(place: Workplace) -> None:
    why = await failure(place, "# Title\n\n" + block("echo first; no-such-program\ntouch done"))
    assert "docs/page.md:4: echo first" in why
    assert "exit status 127" in why
    assert "    first\n" in why
    assert "docs/page.md: line 4: no-such-program: command not found" in why
    assert not (place.clone / "done").exists()


@pytest.mark.parametrize(
    "command", ["false | cat", 'echo "$NOT_SET"', "if", "exit 0", "echo 'no end"]
)
async def test_what_goes_wrong_in_any_way_fails(place: Workplace, command: str) -> None:
    assert "docs/page.md:2" in await failure(place, block(command))


async def test_what_takes_too_long_fails(place: Workplace) -> None:
    assert "it is not over after 0.2 s" in await failure(place, block("sleep 60"), limit_s=0.2)


async def test_ctrl_c_ends_a_block_once_it_has_said_its_text(place: Workplace) -> None:
    ends_well = "<!-- docs: interrupt after 'serving' -->\n" + block("X=1\n./serve")
    dies = "<!-- docs: interrupt after '1' -->\n" + block(
        "python3 -c 'import time; print(1, flush=True); time.sleep(60)'"
    )
    await run(place, ends_well + dies + block('[ "$X" = 1 ]'))


async def test_a_block_that_ends_before_its_text_fails(place: Workplace) -> None:
    why = await failure(place, "<!-- docs: interrupt after 'tick' -->\n" + block("echo tock"))
    assert "it ended before it printed 'tick'" in why


@pytest.mark.parametrize("command", ["false; ./serve", "trap 'exit 3' INT; ./serve"])
async def test_a_block_that_fails_before_or_at_ctrl_c_fails(place: Workplace, command: str) -> None:
    why = await failure(place, f"<!-- docs: interrupt after 'serving' -->\n{block(command)}")
    assert "exit status" in why


async def test_ctrl_c_is_heard_where_the_tests_run_in_the_background(place: Workplace) -> None:
    """A shell has what it puts into the background ignore SIGINT, and that is inherited."""
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        await run(place, "<!-- docs: interrupt after 'serving' -->\n" + block("./serve"))
    finally:
        signal.signal(signal.SIGINT, kept)


async def test_what_keeps_running_is_there_for_the_blocks_after_it(place: Workplace) -> None:
    serves = "<!-- docs: keeps running after 'serving' -->\n" + block(
        "X=1; ./serve > log & ./serve"
    )
    page = serves + block("pgrep --full --exact '/bin/bash ./serve'; [ ! -v X ]") + block("touch a")
    said = await run(place, page)
    assert said[-1].startswith("docs/page.md:3: ended")


async def test_what_keeps_running_has_to_end_well(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docwalk.shell.END_S", 0.5)
    text = "<!-- docs: keeps running after 'up' -->\n"
    assert "exit status 3" in await failure(place, text + block("echo up; exit 3") + block("true"))
    stays = text + block("trap '' INT; echo up; exec sleep 60")
    assert "it is not over after 0.5 s" in await failure(place, stays)


async def test_each_page_begins_with_the_repository_as_it_is(place: Workplace) -> None:
    await run(place, block("rm serve; mkdir -p .venv; touch left .venv/kept"))
    await run(place, block("[ ! -e left ]; [ -x serve ]; [ -e .venv/kept ]"))


def test_the_copy_has_what_the_repository_has() -> None:
    with workplace() as copy:
        copy.refresh()
        there = {path.name for path in copy.clone.iterdir()}
        assert {"Makefile", "README.md", "docs", "hack"} <= there
        assert not there & {".venv", ".git", ".cluster"}
        makefile = copy.clone / "Makefile"
        assert makefile.stat().st_mtime == (PROJECT / "Makefile").stat().st_mtime
    assert not copy.home.exists()


def block(text: str) -> str:
    """Write a block."""
    return f"```sh\n{text}\n```\n"
