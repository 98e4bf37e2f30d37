"""Off is written into the file by the leader's own hand; whatever a person writes wins."""

import asyncio
import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support.mounts import can_mount, mounted
from symbol_trader.desired import SwitchOffOutcome
from symbol_trader.errors import Unavailable
from symbol_trader.resource import file as module
from symbol_trader.resource.file import FileResource, InvalidFile, read_file
from tradingsymbol_api.values import TradingStatus

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


def switch_off(path: Path) -> SwitchOffOutcome:
    return asyncio.run(FileResource(path, lambda why: None).switch_off())


def test_off_is_written_and_all_else_is_left_alone(path: Path) -> None:
    assert switch_off(path) is SwitchOffOutcome.WRITTEN
    assert path.read_text() == TEXT.format(status='"off"')


@pytest.mark.parametrize("status", ["on", "off"])
def test_what_a_person_wrote_before_stays(path: Path, status: str) -> None:
    path.write_text(TEXT.format(status=status))

    assert switch_off(path) is SwitchOffOutcome.SUPERSEDED
    assert path.read_text() == TEXT.format(status=status)


def test_on_wins_that_is_written_while_off_is_on_its_way(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited(number: int) -> None:
        path.write_text(TEXT.format(status="on"))

    monkeypatch.setattr(os, "fsync", edited)
    assert switch_off(path) is SwitchOffOutcome.SUPERSEDED
    assert read_file(path).spec.status is TradingStatus.ON
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["spec: [", "kind: TradingSymbol"])
def test_a_file_that_cannot_be_read_is_waited_for(path: Path, text: str) -> None:
    path.write_text(text)

    with pytest.raises(Unavailable, match="off cannot be written"):
        switch_off(path)
    assert path.read_text() == text


@pytest.mark.parametrize("content", [b"name: M\xfcller", b"spec: {budget: 2024-13-45}"])
def test_what_is_no_text_or_no_date_is_waited_for_as_well(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(Unavailable, match="off cannot be written"):
        switch_off(path)


def test_a_file_that_is_gone_is_waited_for(path: Path) -> None:
    path.unlink()

    with pytest.raises(Unavailable, match="off cannot be written"):
        switch_off(path)


def test_an_amount_that_is_another_to_yaml_is_refused_by_its_field(path: Path) -> None:
    path.write_text(TEXT.format(status="on").replace("100", "0100"))
    with pytest.raises(InvalidFile, match=r"xrpusdt\.yaml: spec\.budget is written 0100"):
        read_file(path)


# -- a file that cannot be replaced --------------------------------------------------------------

FLOW = (
    "{{apiVersion: tradingsymbol.dev/v1alpha1, kind: TradingSymbol, metadata: {{name: xrpusdt}}, \
spec: {{status: {status}, budget: 100}}}}"
)
FOLDED = TEXT.replace("{status}  # mine", ">-\n    {status}")
IN_PLACE = pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param(TEXT, "shutdown", id="plain"),
        pytest.param(TEXT, '"shutdown"', id="quoted"),
        pytest.param(TEXT.replace("\n", "\r\n"), "shutdown", id="carriage-returns"),
        pytest.param(TEXT + "# M\u00fcller\n", "shutdown", id="not-ascii"),
        pytest.param(FLOW, "shutdown", id="flow"),
        pytest.param(FOLDED, "shutdown", id="folded"),
    ],
)
NOT_REPLACEABLE = [errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS]


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def replace(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("number", NOT_REPLACEABLE)
@IN_PLACE
def test_off_is_written_in_place_where_the_file_cannot_be_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: str, number: int
) -> None:
    path.write_bytes(text.format(status=status).encode())
    before = path.stat().st_ino
    refuse(monkeypatch, number)
    assert switch_off(path) is SwitchOffOutcome.WRITTEN
    assert read_file(path).spec.status is TradingStatus.OFF
    assert read_file(path).spec.budget == 100
    assert path.stat().st_ino == before
    assert list(path.parent.iterdir()) == [path]


def test_all_else_is_left_alone_in_place_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, errno.EBUSY)
    switch_off(path)
    assert path.read_text() == TEXT.format(status='"off"   ')


@pytest.mark.parametrize(("text", "status"), [(TEXT, "shutdown"), (TEXT, '"shutdown"')])
def test_a_reader_in_the_middle_of_it_takes_no_half_word(
    path: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: str
) -> None:
    old = text.format(status=status).encode()
    path.write_bytes(old)
    refuse(monkeypatch, errno.EBUSY)
    switch_off(path)
    new = path.read_bytes()
    assert len(new) == len(old)
    for cut in range(len(old)):
        path.write_bytes(new[:cut] + old[cut:])
        try:
            found = read_file(path).spec
        except InvalidFile:
            continue
        assert path.read_bytes().strip() in (old.strip(), new.strip())
        assert found.budget == 100


def test_on_wins_that_is_written_before_off_is_written_in_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited(*_: object) -> None:
        path.write_text(TEXT.format(status="on"))
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", edited)
    assert switch_off(path) is SwitchOffOutcome.SUPERSEDED
    assert path.read_text() == TEXT.format(status="on")


@pytest.mark.parametrize("call", ["fsync", "chmod", "replace"])
def test_a_failure_leaves_the_file_alone_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(Unavailable, match=r"off cannot be written: .*No space left"):
        switch_off(path)
    assert path.read_text() == TEXT.format(status="shutdown")
    assert list(path.parent.iterdir()) == [path]


WRITE_OFF = """
import asyncio, pathlib, sys
from symbol_trader.resource.file import FileResource
print(asyncio.run(FileResource(pathlib.Path(sys.argv[1]), print).switch_off()))
"""


@pytest.mark.skipif(not can_mount(), reason="mounts need root: the errors above are injected")
@pytest.mark.parametrize("read_only", [False, True])
def test_off_is_written_through_a_mount_of_the_one_file(
    path: Path, tmp_path: Path, read_only: bool
) -> None:
    """A mount point cannot be replaced, and its folder may be read-only, too."""
    place = tmp_path / "mounted" / "resource.yaml"
    place.parent.mkdir()
    place.touch()
    command = mounted(path, place, [sys.executable, "-c", WRITE_OFF, str(place)], read_only)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert "WRITTEN" in done.stdout, shlex.join(command) + done.stderr
    assert path.read_text() == TEXT.format(status='"off"   ')
    assert list(place.parent.iterdir()) == [place]


def rewrite(path: Path, text: str) -> None:
    """Write within the moment in which the file was last written."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


async def test_an_edit_of_the_same_moment_is_seen(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was empty for a moment and then written has one time for both."""
    monkeypatch.setattr(module, "POLL_S", 0)
    warned = asyncio.Event()
    changes = FileResource(path, lambda _: warned.set()).changes()
    await anext(changes)
    following = asyncio.ensure_future(anext(changes))
    rewrite(path, "")
    await asyncio.wait_for(warned.wait(), 10)
    rewrite(path, TEXT.format(status="on"))
    assert (await asyncio.wait_for(following, 10)).settings.status.value == "on"
