"""The own engine: what is told from the files of one that ended."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcluster.console import Console
from localcluster.engine import Engine
from localcluster.failure import LocalClusterError
from support.programs import StandIns


@pytest.fixture
def engine(tmp_path: Path, project: Path) -> Engine:
    folder = tmp_path / "engine"
    folder.mkdir()
    return Engine(folder, project / "hack" / "offline" / "node" / "runc-bounded")


def test_a_process_id_that_others_got_since_is_not_the_engine_s(engine: Engine) -> None:
    (engine.folder / "dockerd.pid").write_text(str(os.getpid()))
    assert engine.pid() is None


def test_a_process_id_of_nobody_is_not_the_engine_s(engine: Engine) -> None:
    assert engine.pid() is None
    (engine.folder / "dockerd.pid").write_text("0")
    assert engine.pid() is None
    (engine.folder / "dockerd.pid").write_text("")
    assert engine.pid() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the own engine exists on Linux alone")
def test_the_running_engine_is_known_by_its_folder(engine: Engine) -> None:
    argv = [sys.executable, "-IS", "-c", "print(flush=True); input()", str(engine.folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it runs; before, the kernel may not know its arguments yet
        (engine.folder / "dockerd.pid").write_text(str(process.pid))
        assert engine.pid() == process.pid
        process.communicate(b"\n")
    assert engine.pid() is None


def test_a_folder_too_deep_for_sockets_is_refused_in_words(tmp_path: Path) -> None:
    engine = Engine(tmp_path / ("deep" * 25), Path("runtime"))
    with pytest.raises(LocalClusterError, match="XDG_CACHE_HOME"):
        engine.start(Console(io.StringIO()))


def test_an_engine_that_cannot_start_says_why(
    engine: Engine, stand_in: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcluster.engine.DEEPEST_SOCKET", "")
    stand_in("dockerd", "sys.exit('failed to mount overlay')")
    with pytest.raises(LocalClusterError, match="failed to mount overlay"):
        engine.start(Console(io.StringIO()))


def test_ending_an_engine_that_does_not_run_does_nothing(engine: Engine) -> None:
    out = io.StringIO()
    engine.stop_if_idle(Console(out))
    assert out.getvalue() == ""


def test_an_engine_that_others_work_with_stays(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "pid", lambda self: os.getpid())
    out = io.StringIO()
    with engine.in_use():
        engine.stop_if_idle(Console(out))
    assert "others use it" in out.getvalue()
