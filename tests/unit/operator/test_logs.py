"""The log: whoever writes a line, the object that it concerns stands in fields of its own."""

import asyncio
import json
import logging
from typing import Any

import kopf
import pytest
from kopf._core.actions.loggers import ObjectLogger

from symbol_operator.runtime import logs
from symbol_operator.runtime.logs import concerning

pytestmark = pytest.mark.usefixtures("own_logging")

OWN = logging.getLogger("symbol_operator.some.module")
LIBRARY = logging.getLogger("some.library")
RECURSION = "RecursionError: "
BODY: Any = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"namespace": "trading", "name": "xrpusdt-leader", "uid": "p1"},
}


class Log:
    """The log as it was written."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def lines(self) -> list[str]:
        self._text += self._capsys.readouterr().err
        return self._text.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    """Return what is written to standard error."""
    return Log(capsys)


def test_json_names_the_object_whoever_logs(log: Log) -> None:
    logs.take_over("json", verbose=False)

    with concerning("trading", "xrpusdt"):
        OWN.info("wanted %s", "on")
        LIBRARY.warning("slow")
    OWN.error("about nothing")

    ours, librarys, nothing = log.objects
    assert ours.pop("timestamp")
    assert ours == {
        "message": "wanted on",
        "severity": "info",
        "namespace": "trading",
        "name": "xrpusdt",
    }
    assert (librarys["name"], librarys["severity"]) == ("xrpusdt", "warn")
    assert not {"name", "namespace"} & set(nothing)
    assert nothing["severity"] == "error"


def test_a_namespace_alone_is_named_by_its_line(log: Log) -> None:
    logs.take_over("json", verbose=False)
    OWN.info("Namespace %s is served", "trading", extra={"namespace": "trading"})
    (line,) = log.objects
    assert line["namespace"] == "trading"
    assert "name" not in line


def test_text_has_the_object_before_the_message(log: Log) -> None:
    logs.take_over("console", verbose=False)

    with concerning("trading", "xrpusdt"):
        OWN.info("wanted %s", "100 %")
    OWN.info("about nothing")

    about, nothing = log.lines
    assert about.endswith("[INFO    ] trading/xrpusdt: wanted 100 %")
    assert nothing.endswith("[INFO    ] about nothing")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_stays_with_its_line(log: Log, log_format: str) -> None:
    logs.take_over(log_format, verbose=False)
    with concerning("trading", "xrpusdt"):
        try:
            json.loads("[" * 100_000)
        except RecursionError:
            OWN.exception("it failed")

    if log_format == "json":
        (line,) = log.objects
        assert RECURSION in line["exc_info"]
        assert line["name"] == "xrpusdt"
    else:
        first, *rest = log.lines
        assert first.endswith("trading/xrpusdt: it failed")
        assert RECURSION in rest[-1]


async def test_each_task_names_its_own(log: Log) -> None:
    logs.take_over("json", verbose=False)

    async def look(name: str) -> None:
        with concerning("trading", name):
            for _ in range(2):
                await asyncio.sleep(0)
                OWN.info("%s", name)

    await asyncio.gather(look("a"), look("b"))

    assert len(log.objects) == 4
    assert all(line["message"] == line["name"] for line in log.objects)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_kopfs_own_lines_about_an_object_name_it(log: Log, log_format: str) -> None:
    """They are logged by what kopf gives its handlers; its module is not public."""
    logs.take_over(log_format, verbose=True)
    ObjectLogger(body=kopf.Body(BODY), settings=kopf.OperatorSettings()).info("Handler succeeded.")

    if log_format == "json":
        (line,) = log.objects
        assert set(line) == {"message", "timestamp", "severity", "namespace", "name"}
        assert (line["namespace"], line["name"]) == ("trading", "xrpusdt-leader")
    else:
        (told,) = log.lines
        assert told.endswith("trading/xrpusdt-leader: Handler succeeded.")


def test_what_kopf_does_about_each_event_is_not_logged_unless_asked_for(log: Log) -> None:
    logs.take_over("json", verbose=False)
    logger = ObjectLogger(body=kopf.Body(BODY), settings=kopf.OperatorSettings())
    logger.info("Handler succeeded.")
    logging.getLogger("asyncio").error("left behind")
    OWN.debug("details")
    logger.warning("odd")
    assert [line["message"] for line in log.objects] == ["odd"]


@pytest.mark.parametrize(
    ("level", "word"), [(10, "debug"), (20, "info"), (30, "warn"), (40, "error"), (50, "fatal")]
)
def test_each_level_has_its_word(log: Log, level: int, word: str) -> None:
    logs.take_over("json", verbose=True)
    OWN.log(level, "something")
    assert log.objects[-1]["severity"] == word
