"""`make test` makes each row after the one before, and says how long each part took."""

import re
from pathlib import Path

import pytest

import alltests

PROJECT = Path(__file__).parents[3]
MAKEFILE = """\
.PHONY: good beside bad never
good:
\t@echo good was made
beside:
\t@echo beside was made
bad:
\t@exit 1
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
    with pytest.raises(SystemExit) as end:
        alltests.main()
    return not end.value.code


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
