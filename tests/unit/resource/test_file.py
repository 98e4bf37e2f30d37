"""Off is written into the file by the leader's own hand; whatever a person writes wins."""

import asyncio
import os
from pathlib import Path

import pytest

from symbol_trader.ports import OffOutcome, Unavailable
from symbol_trader.resource.file import FileResource, InvalidFile, read_file
from tradingsymbol_api.spec import TradingStatus

TEXT = """\
apiVersion: tradingsymbol.dev/v1alpha1
kind: TradingSymbol
metadata: {{name: xrpusdt}}
spec:
  status: {status}  # mine
  budget: 100
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "xrpusdt.yaml"
    path.write_text(TEXT.format(status="shutdown"))
    return path


def write_off(path: Path) -> OffOutcome:
    return asyncio.run(FileResource(path, lambda why: None).write_off())


def test_off_is_written_and_all_else_is_left_alone(path: Path) -> None:
    assert write_off(path) is OffOutcome.WRITTEN
    assert path.read_text() == TEXT.format(status='"off"')


@pytest.mark.parametrize("status", ["on", "off"])
def test_what_a_person_wrote_before_stays(path: Path, status: str) -> None:
    path.write_text(TEXT.format(status=status))

    assert write_off(path) is OffOutcome.SUPERSEDED
    assert path.read_text() == TEXT.format(status=status)


def test_on_wins_that_is_written_while_off_is_on_its_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited(number: int) -> None:
        path.write_text(TEXT.format(status="on"))

    monkeypatch.setattr(os, "fsync", edited)
    assert write_off(path) is OffOutcome.SUPERSEDED
    assert read_file(path).spec.status is TradingStatus.ON
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["spec: [", "kind: TradingSymbol"])
def test_a_file_that_cannot_be_read_is_waited_for(path: Path, text: str) -> None:
    path.write_text(text)

    with pytest.raises(Unavailable, match="off cannot be written"):
        write_off(path)
    assert path.read_text() == text


@pytest.mark.parametrize("content", [b"name: M\xfcller", b"spec: {budget: 2024-13-45}"])
def test_what_is_no_text_or_no_date_is_waited_for_as_well(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(Unavailable, match="off cannot be written"):
        write_off(path)


def test_a_file_that_is_gone_is_waited_for(path: Path) -> None:
    path.unlink()

    with pytest.raises(Unavailable, match="off cannot be written"):
        write_off(path)


def test_an_amount_that_is_another_to_yaml_is_refused_by_its_field(path: Path) -> None:
    path.write_text(TEXT.format(status="on").replace("100", "0100"))
    with pytest.raises(InvalidFile, match=r"xrpusdt\.yaml: spec\.budget is written 0100"):
        read_file(path)
