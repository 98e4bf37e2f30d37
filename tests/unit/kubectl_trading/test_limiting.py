"""`halt`, `resume`, `limits`: what is written into limits, and what is shown of them."""

import pytest

from unit.kubectl_trading.documents import Document
from unit.kubectl_trading.fake_cluster import FakeCluster, run


def limit(name: str, used: str = "1", message: str = "", **spec: object) -> Document:
    conditions = [{"type": "Halted", "status": str(bool(message)), "message": message}]
    amount = {"limit": "maxExposure", "quoteAsset": "USDT", "used": used, "left": "9", "most": "10"}
    status = {"observedGeneration": 1, "leaders": 2, "leadersHeard": 1, "usage": [amount]}
    return {
        "metadata": {"namespace": "trading", "name": name, "generation": 1, "resourceVersion": "7"},
        "spec": {"exchange": "paper", **spec},
        "status": status | {"conditions": conditions},
    }


@pytest.fixture
def limits(cluster: FakeCluster) -> FakeCluster:
    cluster.declared = {"all": limit("all"), "more": limit("more", halt=True)}
    return cluster


def test_the_kill_switch_is_thrown_whatever_others_have_written(limits: FakeCluster) -> None:
    done = run("halt", "--all", "--on-limit", "CancelBuys")
    assert done.exit_code == 0
    assert "all: buys are halted" in done.output
    assert "more: buys are already halted" in done.output
    what = {"halt": True, "onLimit": "CancelBuys"}
    assert limits.halted == [("all", what, True), ("more", what, True)]


def test_what_becomes_of_what_is_open_is_left_as_it_is(limits: FakeCluster) -> None:
    run("halt", "all")
    assert limits.halted == [("all", {"halt": True}, True)]


def test_resuming_takes_back_the_halt_and_ends_those_of_losses(limits: FakeCluster) -> None:
    done = run("resume", "more")
    assert done.output == "more: buys go on, and losses count from now\n"
    [(_, spec, whatever)] = limits.halted
    assert spec["halt"] is False
    assert not whatever


def test_a_moment_of_resuming_is_later_than_the_one_before(limits: FakeCluster) -> None:
    limits.declared["all"]["spec"]["resumedAt"] = "2999-01-01T00:00:00Z"
    run("resume", "all")
    assert limits.halted[0][1]["resumedAt"] == "2999-01-01T00:00:01Z"


@pytest.mark.parametrize("verb", ["halt", "resume"])
@pytest.mark.parametrize("arguments", [(), ("all", "--all")])
def test_limits_are_chosen_in_one_way(
    limits: FakeCluster, verb: str, arguments: tuple[str, ...]
) -> None:
    assert run(verb, *arguments).exit_code == 2
    assert limits.halted == []


def test_a_kill_switch_that_is_not_there_is_a_failure(cluster: FakeCluster) -> None:
    done = run("halt", "--all")
    assert done.exit_code == 1
    assert "nothing is halted" in done.output
    done = run("halt", "another")
    assert done.exit_code == 1
    assert "no TradingLimit is named another; there are: none" in done.output


def test_limits_are_shown_with_what_is_used_and_who_has_heard(cluster: FakeCluster) -> None:
    cluster.declared = {"all": limit("all")}
    done = run("limits")
    assert done.output.splitlines() == [
        "NAME  EXCHANGE  HALTED  HEARD  LIMIT             USED  LEFT  OF  WHY",
        "all   paper     no      1/2    maxExposure USDT  1     9     10",
    ]
    assert done.exit_code == 0


def test_halted_limits_say_why_and_a_halt_on_its_way_is_told(cluster: FakeCluster) -> None:
    asked = limit("b", halt=True)
    new = limit("c")
    del new["status"]
    cluster.declared = {"a": limit("a", message="mad", halt=True), "b": asked, "c": new}
    cluster.declared["c"]["metadata"]["namespace"] = "other"
    done = run("limits", "-A")
    lines = [line.split() for line in done.output.splitlines()[1:]]
    assert [line[3] for line in lines] == ["yes", "halting", "-"]
    assert lines[0][-1] == "mad"
    assert done.exit_code == 3
