"""Programs that stand in for docker."""

from pathlib import Path

import pytest

from support.programs import StandIns

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project() -> Path:
    """Return the root of the repository."""
    return PROJECT


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    """Programs that this test puts on PATH, where nothing else is."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return StandIns(folder)
