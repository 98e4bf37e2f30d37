"""`make test` makes each row after the one before, and says how long each part took."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import alltests

PROJECT = Path(__file__).parents[3]
MAKEFILE = """\
.PHONY: good beside bad never much slow hangs
good:
\t@echo good was made
beside:
\t@echo beside was made
bad:
\t@exit 1
much:
\t@head -c 300000 /dev/zero | tr '\\0' x; touch much
slow:
\t@until test -e much; do sleep 0.05; done
hangs:
\t@touch begun; trap 'touch tidied; exit 1' INT TERM; while true; do sleep 0.05; done
never:
\t@touch never
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where a small Makefile is."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.chdir(tmp_path)


def ended(rows: tuple[tuple[str, ...], ...], monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(alltests, "ROWS", rows)
    return alltests.make_all()


def test_what_ran_beside_is_shown_and_each_part_has_its_time(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ended((("good", "beside"),), monkeypatch)
    said = capfd.readouterr().out
    assert "good was made" in said
    assert "beside was made" in said
    assert re.search(r"^beside +\d+ s$", said, re.MULTILINE)


@pytest.mark.parametrize("row", [("bad", "good"), ("good", "bad")])
def test_nothing_is_made_after_a_part_that_failed(
    row: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not ended((row, ("never",)), monkeypatch)
    assert re.search(r"^bad +\d+ s  failed$", capfd.readouterr().out, re.MULTILINE)
    assert not Path("never").exists()


def test_every_part_is_a_target_of_the_makefile() -> None:
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert {part for row in alltests.ROWS for part in row} <= set(targets)


def test_a_part_that_prints_much_does_not_wait_for_the_one_beside_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ended((("slow", "much"),), monkeypatch)
    assert "x" * 300_000 in capfd.readouterr().out


def test_a_part_whose_time_is_over_is_ended(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alltests, "LASTS_S", 0.5)
    assert not ended((("good", "hangs"),), monkeypatch)
    assert re.search(r"^hangs +\d+ s  failed$", capfd.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_ends_when_it_is_told_to_end(number: signal.Signals) -> None:
    script = f"import alltests; alltests.ROWS = {(('good', 'hangs'),)}; alltests.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "hack")},
        stdout=subprocess.PIPE,
        text=True,
    )
    while not Path("begun").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert Path("tidied").exists()
    assert re.search(r"^hangs +\d+ s  failed$", said, re.MULTILINE)
