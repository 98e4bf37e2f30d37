"""Whoever ends a measurement by a signal finds nothing of it left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ending import INTERRUPTED
from support.programs import StandIns

HERE = Path(__file__).parent
STAYS = "open({pid!r}, 'w').write(str(os.getpid())); print({says!r}, flush=True); time.sleep(300)"
WITHIN_S = 60


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return the state of a cluster whose kubectl does nothing."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "kubeconfig").write_text("users: []")
    StandIns(tmp_path / "bin")("kubectl", "")
    return tmp_path


def stand_in(state: Path, program: str, says: str = "") -> Path:
    """Put a program there that runs for long; return the file that will have its process id."""
    pid = state / f"{program}.pid"
    StandIns(state / "bin")(program, STAYS.format(pid=str(pid), says=says))
    return pid


def operator(state: Path) -> Path:
    """Put an operator there that starts and does nothing."""
    package, pid = state / "modules" / "symbol_operator", state / "operator.pid"
    package.mkdir(parents=True)
    line = STAYS.format(pid=str(pid), says="Initial authentication has finished")
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(f"import os, time\n{line}\n")
    return pid


def ended(pid: Path) -> bool:
    return not Path("/proc", pid.read_text()).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_the_bench_has_started(state: Path, number: signal.Signals) -> None:
    pids = (operator(state), stand_in(state, "kwok"))
    path = [str(state / "modules"), *sys.path]
    # As a shell's background job, which does not hear Ctrl-C: the other signal is no other then.
    deaf = number is signal.SIGTERM
    with subprocess.Popen(
        [sys.executable, HERE / "measuring.py", state, "--only", "operator", "--symbols", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(path), "PATH": f"{state / 'bin'}:{os.environ['PATH']}"},
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if deaf else None,  # noqa: PLW1509 - no thread here
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "measuring\n", process.communicate()
        process.send_signal(number)
        _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == INTERRUPTED, errors
    assert all(map(ended, pids))
    calls = (state / "bin" / "kubectl.calls").read_text()
    assert "delete node bench-fake" in calls
    assert "delete flowschema" in calls
    assert calls.splitlines()[-1].split()[-3].startswith("bench-")
    assert "delete namespace bench-" in calls.splitlines()[-1]
