"""What Prometheus is told of the operator."""

import platform
import tomllib
from pathlib import Path

import pytest

from symbol_operator.runtime.metrics import RESULTS, Metrics
from tradingsymbol_api.build import COMMIT_VARIABLE, VERSION

PROJECT = Path(__file__).parents[3]


def lines(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_each_result_is_counted_from_0_on() -> None:
    """Of a counter that begins at 1, `rate()` does not see the first."""
    said = lines(Metrics())

    for result in ("ok", "conflict", "error"):
        assert f'symbol_operator_reconciles_total{{result="{result}"}} 0.0' in said
    assert len(RESULTS) == 3


def test_what_runs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    python = platform.python_version()
    info = 'symbol_operator_build_info{commit="%s",python="%s",version="%s"} 1.0'
    monkeypatch.delenv(COMMIT_VARIABLE, raising=False)
    assert info % ("unknown", python, VERSION) in lines(Metrics())

    monkeypatch.setenv(COMMIT_VARIABLE, "")
    assert info % ("unknown", python, VERSION) in lines(Metrics())

    monkeypatch.setenv(COMMIT_VARIABLE, "0123abc")
    assert info % ("0123abc", python, VERSION) in lines(Metrics())


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def test_an_image_is_told_its_commit() -> None:
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert text.count(f"ARG COMMIT\nENV {COMMIT_VARIABLE}=${{COMMIT}}\n") == 2


def test_the_process_is_measured() -> None:
    names = {line.partition(" ")[0] for line in lines(Metrics())}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= names


def test_the_old_name_of_the_depth_is_still_there() -> None:
    metrics = Metrics()
    metrics.queue.watch(lambda: 7, list)
    assert "symbol_operator_queue_depth 7.0" in lines(metrics)
    assert "symbol_operator_workqueue_depth 7.0" in lines(metrics)
