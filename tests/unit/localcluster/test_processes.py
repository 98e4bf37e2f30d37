"""Running other programs."""

import io
import sys

import pytest

from localcluster import processes
from localcluster.console import Console
from localcluster.failure import LocalClusterError


def python(code: str) -> list[str]:
    return [sys.executable, "-IS", "-c", code]


def test_what_a_program_says_is_kept_with_its_exit_code() -> None:
    code = "import sys; print(input()); print('err', file=sys.stderr); sys.exit(3)"
    assert processes.capture(python(code), stdin="in") == processes.Result(3, "in\n", "err\n")


def test_a_program_that_is_not_there_is_a_result_not_a_crash() -> None:
    assert processes.capture(["no-such-program-at-all"]).code == 127


def test_a_program_that_takes_too_long_is_ended() -> None:
    result = processes.capture(python("import time; time.sleep(60)"), timeout=0.2)
    assert result.code == 124


def test_a_failure_names_the_command_and_the_end_of_its_words() -> None:
    code = "import sys; sys.exit('\\n'.join(f'line {n}' for n in range(100)))"
    with pytest.raises(LocalClusterError) as failed:
        processes.check(python(code))
    assert "exit code 1" in str(failed.value)
    assert str(failed.value).endswith("line 99")
    assert "line 70" not in str(failed.value)


def test_lines_are_passed_on_as_they_come() -> None:
    out = io.StringIO()
    processes.stream(python("print('one'); print(); print('two')"), Console(out, lambda: 0))
    assert out.getvalue() == "[   0.0 s]   one\n[   0.0 s]   two\n"


def test_lines_that_are_not_shown_are_in_the_message_of_a_failure() -> None:
    out = io.StringIO()
    with pytest.raises(LocalClusterError, match="the reason"):
        processes.stream(
            python("print('the reason'); raise SystemExit(1)"),
            Console(out),
            shown=lambda line: not line,
        )
    assert out.getvalue() == ""


def test_a_silent_program_is_reported_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "HEARTBEAT_SECONDS", 0.05)
    out = io.StringIO()
    processes.stream(
        python("import time; print('compiling', flush=True); time.sleep(0.4)"), Console(out)
    )
    assert "still at work: compiling" in out.getvalue()


def test_a_program_that_cannot_be_started_fails_as_a_sentence() -> None:
    with pytest.raises(LocalClusterError, match="no-such-program"):
        processes.stream(["no-such-program-at-all"], Console(io.StringIO()))
