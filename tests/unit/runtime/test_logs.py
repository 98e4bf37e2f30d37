"""Every line of a process that logs for machines is one JSON object, whoever wrote it."""

import json
import subprocess
import sys

PROGRAM = """
import asyncio, gc, logging, threading, warnings
from symbol_trader.runtime.logs import take_over
from symbol_trader.runtime.story import Story

class Unraisable:
    def __del__(self):
        raise ValueError("in a destructor")

async def main():
    asyncio.create_task(fail())
    await asyncio.sleep(0)
    gc.collect()

async def fail():
    raise ValueError("in a task\\nthat nobody waits for")

Story(take_over("json"), symbol="XRPUSDT").tell("ours", number=1)
logging.getLogger("asyncpg").warning("of a library %s", "in\\ntwo lines")
logging.getLogger("websockets").error("failed", exc_info=ValueError("with a traceback"))
logging.getLogger("symbol_trader.binance.link").info("too quiet to be told")
warnings.warn("of the interpreter")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
asyncio.run(main())
Unraisable()
raise RuntimeError("not caught")
"""


def test_each_line_is_json_whoever_wrote_it() -> None:
    command = [sys.executable, "-W", "default", "-c", PROGRAM]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")

    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["level"], line["event"].partition("\n")[0]) for line in lines] == [
        ("info", "ours"),
        ("warning", "of a library in"),
        ("error", "failed"),
        ("warning", "<string>:22: UserWarning: of the interpreter"),
        ("critical", "not caught in a thread"),
        ("error", "Task exception was never retrieved"),
        ("error", "not caught where nothing can be raised"),
        ("critical", "not caught"),
    ]
    assert lines[0]["symbol"] == "XRPUSDT"
    assert lines[1]["logger"] == "asyncpg"
    assert lines[-1]["exception"].endswith("RuntimeError: not caught")
    assert all("timestamp" in line for line in lines)
