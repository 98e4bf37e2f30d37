"""What a person sees of a symbol, and when the demonstration ends."""

import json
import shlex
from dataclasses import replace

import pytest

from demo import advice, cli, screen, snapshot
from demo.snapshot import Book, Order, Snapshot
from demo.verdict import LIMIT_SECONDS, WATCH_SECONDS, Judge, Verdict

RESOURCE = {
    "status": {
        "requested": "on",
        "traders": 2,
        "openOrders": 1,
        "profit": "0.12",
        "quoteAsset": "USDT",
        "leader": {"pod": "xrpusdt-leader", "node": "worker"},
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "LeaderReady", "message": ""},
            {"type": "Degraded", "status": "True", "reason": "Blocked", "message": "too little"},
            {"type": "Trading", "status": "True", "reason": "Trading", "message": ""},
        ],
    }
}
ORDER = {"trader": "t1", "side": "BUY", "price": "0.56", "quantity": "35", "executed": "21"}
BOOK = {"orders": [ORDER], "fills": 3, "finished": 4, "running": 2, "profit": "0.12"}
CLOSE = "Ctrl-C ends it"
SAID = {
    "symbol": "xrpusdt",
    "trader": "t1",
    "executed": "21/35",
    "order_id": 7,
    "event": "buy partially filled",
    "level": "info",
    "timestamp": "2026-11-22T21:17:41.019983Z",
}
ENDED = "WARNING the recording has ended: trading stops, requests are still answered"
SEEN = snapshot.read(json.dumps(RESOURCE), json.dumps(BOOK), json.dumps(SAID), "serving")


def test_a_snapshot_is_read_from_the_answers() -> None:
    expected = Snapshot(
        requested="on",
        ready=True,
        traders=2,
        open_orders=1,
        profit="0.12",
        quote="USDT",
        leader="xrpusdt-leader on worker",
        problems=("Degraded is True (Blocked) too little",),
        book=Book((Order(**ORDER),), 3, 4, 2, "0.12"),
        story=("21:17:41  t1             buy partially filled: executed 21/35",),
    )
    assert expected == SEEN


def test_answers_that_did_not_come_leave_their_defaults() -> None:
    assert snapshot.read("", "", "", "") == Snapshot()
    assert snapshot.read("{}", "[]", "", "") == Snapshot()


def test_a_log_line_of_another_kind_stays_as_it_is() -> None:
    assert snapshot.sentence("Traceback: nothing") == "Traceback: nothing"
    assert snapshot.sentence('{"event": "ready"}') == f"  {'':13}  ready"


def test_the_end_of_a_recording_is_seen_and_said() -> None:
    seen = snapshot.read("", "", "", ENDED)
    assert seen.ended
    assert screen.ENDED in screen.line(seen)
    assert screen.ENDED in screen.screen(seen, "XRPETH", CLOSE, 200, 30)[0]


def test_a_line_says_it_all() -> None:
    assert screen.line(SEEN) == (
        "requested on; ready; traders 2; open orders 1; finished cycles 4; profit 0.12 USDT; "
        "BUY 0.56 21/35; Degraded is True (Blocked) too little"
    )
    assert "not ready" in screen.line(Snapshot())


def test_a_screen_has_orders_and_story() -> None:
    text = "\n".join(screen.screen(SEEN, "XRPUSDT", CLOSE, 200, 30))
    for part in ("XRPUSDT", "BUY", "0.56", "21", "buy partially filled", "too little", CLOSE):
        assert part in text


@pytest.mark.parametrize("height", [1, 5, 10, 12, 40])
def test_a_screen_never_outgrows_the_terminal(height: int) -> None:
    lines = screen.screen(replace(SEEN, story=SEEN.story * 30), "XRPUSDT", CLOSE, 20, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= 20


def test_the_newest_of_the_story_is_shown() -> None:
    story = tuple(f"line {number}" for number in range(50))
    assert "  line 49" in screen.screen(replace(SEEN, story=story), "XRPUSDT", CLOSE, 80, 14)


@pytest.mark.parametrize(
    ("seen", "trades"),
    [
        (SEEN, True),
        (replace(SEEN, ready=False), False),
        (replace(SEEN, open_orders=0), True),
        (replace(SEEN, book=Book()), True),
        (replace(SEEN, open_orders=0, book=Book()), False),
    ],
)
def test_a_symbol_trades_once_it_is_led_and_an_order_was_accepted(
    seen: Snapshot, trades: bool
) -> None:
    assert seen.trades is trades


TERMINAL = Judge(watched=True, recorded=False)
TERMINAL_OF_RECORDING = Judge(watched=True, recorded=True)
LOG = Judge(watched=False, recorded=False)
LOG_OF_RECORDING = Judge(watched=False, recorded=True)
IDLE = Snapshot()
NO_CYCLE = replace(SEEN, book=Book(fills=1))
AT_THE_END = replace(SEEN, ended=True)
NEVER_TRADED = Snapshot(ended=True)
LATE = LIMIT_SECONDS + 1


@pytest.mark.parametrize(
    ("judge", "seen", "most", "seconds", "verdict"),
    [
        (LOG, IDLE, 0, 1, Verdict.GO_ON),
        (LOG, SEEN, 1, 1, Verdict.ENOUGH),
        (LOG, IDLE, 0, LATE, Verdict.FAILED),
        (TERMINAL, IDLE, 0, LATE, Verdict.FAILED),
        (TERMINAL, SEEN, 2, LATE, Verdict.GO_ON),
        (TERMINAL, IDLE, 2, LATE, Verdict.GO_ON),
        (LOG_OF_RECORDING, NO_CYCLE, 2, 1, Verdict.GO_ON),
        (LOG_OF_RECORDING, SEEN, 1, 1, Verdict.GO_ON),
        (LOG_OF_RECORDING, SEEN, 2, 1, Verdict.ENOUGH),
        (LOG_OF_RECORDING, NO_CYCLE, 1, LATE, Verdict.GO_ON),
        (LOG_OF_RECORDING, NO_CYCLE, 1, WATCH_SECONDS + 1, Verdict.ENOUGH),
        (TERMINAL_OF_RECORDING, AT_THE_END, 2, 1, Verdict.ENOUGH),
        (LOG_OF_RECORDING, NEVER_TRADED, 0, 1, Verdict.FAILED),
    ],
)
def test_it_ends_when_there_was_enough_to_see(
    judge: Judge, seen: Snapshot, most: int, seconds: float, verdict: Verdict
) -> None:
    assert judge.decide(seen, most, seconds) is verdict


AGAIN = "make demo SYMBOL=XRPETH"


def test_every_command_to_try_is_complete() -> None:
    said = advice.commands("xrpeth", "trading", "trading-system", AGAIN)
    kubectl = [command for _, command in said if "kubectl" in command]
    assert len(kubectl) == 8
    for command in kubectl:
        words = shlex.split(command)
        assert words[1:3] == ["--kubeconfig", ".cluster/kubeconfig"]
        assert words[3:5] in (["-n", "trading"], ["-n", "trading-system"])
    patches = [shlex.split(command) for command in kubectl if " patch " in command]
    assert [json.loads(words[-1])["spec"]["status"] for words in patches] == [
        "shutdown",
        "on",
        "off",
    ]
    assert all("--type merge" in shlex.join(words) for words in patches)
    text = advice.text("xrpeth", "trading", "trading-system", AGAIN)
    assert all(command in text for _, command in said)
    assert "make demo-down" in text
    assert f"\n  {AGAIN}\n" in text


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ([], "make demo"),
        (["--symbol", "BTCUSDT", "--speed", "2"], "make demo SPEED=2 SYMBOL=BTCUSDT"),
        (
            ["--trades", "my trades.csv", "--symbol", "XRPETH", "--loop"],
            "make demo TRADES='my trades.csv' SYMBOL=XRPETH LOOP=1",
        ),
    ],
)
def test_the_view_can_be_asked_for_again(given: list[str], command: str) -> None:
    assert cli.again(cli.parser().parse_args(given)) == command
