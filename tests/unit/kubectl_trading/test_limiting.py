"""`halt`, `resume`, `limits`: what is written into limits, and what is shown of them."""

import json
from typing import Any

import pytest

from kubectl_trading.commands import limiting
from kubectl_trading.connection import ClusterError, Conflict, Refused, Where
from unit.kubectl_trading.documents import limit
from unit.kubectl_trading.fake_cluster import FakeCluster, run

NOW = "2026-01-01T13:00:00Z"
RESUMED = {"halt": False, "resumedAt": NOW}


@pytest.fixture
def limits(cluster: FakeCluster) -> FakeCluster:
    """Hold the limits `all`, and `more`, which is halted."""
    cluster.limits.documents = {"all": limit("all"), "more": limit("more", halt=True)}
    return cluster


def test_the_kill_switch_is_thrown_whatever_others_have_written(limits: FakeCluster) -> None:
    done = run("halt", "--all", "--on-limit", "CancelBuys")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "all: buys are halted, once a leader of it has heard",
        "more: buys are already halted, once a leader of it has heard",
    ]
    what = {"halt": True, "onLimit": "CancelBuys"}
    assert limits.limits.written == [("all", what, True), ("more", what, True)]


def test_what_becomes_of_what_is_open_is_left_as_it_is(limits: FakeCluster) -> None:
    run("halt", "all")
    assert limits.limits.written == [("all", {"halt": True}, True)]


@pytest.mark.parametrize("verb", ["halt", "resume"])
def test_a_limit_that_fails_keeps_no_other_from_it(limits: FakeCluster, verb: str) -> None:
    limits.limits.failures = [Refused("the API server refuses: not yours")]
    done = run(verb, "--all")
    assert done.exit_code == 1
    assert done.stderr == "all: the API server refuses: not yours\n"
    assert [name for name, *_ in limits.limits.written] == ["more"]


def test_to_halt_all_a_person_is_asked_first(
    limits: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script is not: nobody would answer."""
    monkeypatch.setattr(limiting, "sits_there", lambda: True)
    done = run("halt", "--all", stdin="n\n")
    assert done.exit_code == 1
    assert "Halt all buys on the accounts of all, more? They stay halted until a" in done.stderr
    assert not limits.limits.written
    assert run("halt", "--all", stdin="y\n").exit_code == 0
    assert len(limits.limits.written) == 2


@pytest.mark.parametrize("arguments", [("--all", "--yes"), ("all", "more"), ("-l", "a=b")])
def test_who_says_what_to_halt_is_not_asked(
    limits: FakeCluster, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(limiting, "sits_there", lambda: True)
    assert run("halt", *arguments).exit_code == 0
    assert len(limits.limits.written) == 2


def test_resuming_takes_back_the_halt_and_ends_those_of_losses(limits: FakeCluster) -> None:
    done = run("resume", "more")
    assert done.output == "more: buys go on, and losses count from now\n"
    assert limits.limits.written == [("more", RESUMED, False)]


def test_a_moment_of_resuming_is_later_than_the_one_before(limits: FakeCluster) -> None:
    limits.limits.documents["all"]["spec"]["resumedAt"] = "2999-01-01T00:00:00Z"
    run("resume", "all")
    assert limits.limits.written[0][1]["resumedAt"] == "2999-01-01T00:00:01Z"


def test_a_status_that_was_written_meanwhile_keeps_nobody_from_resuming(
    limits: FakeCluster,
) -> None:
    limits.limits.failures = [Conflict("changed")] * 2
    assert run("resume", "more").exit_code == 0
    assert limits.limits.written == [("more", RESUMED, False)]
    limits.limits.failures = [Conflict("changed")] * 99
    done = run("resume", "more")
    told = "more: it is being changed by others: look at it, and try again\n"
    assert (done.exit_code, done.stderr) == (1, told)


def test_a_halt_of_somebody_else_meanwhile_stays(
    limits: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = limits.limits.write

    def halted_by_another(*arguments: Any, **options: Any) -> None:
        if limits.limits.documents["all"]["metadata"]["generation"] == 1:
            limits.limits.documents["all"] = limit("all", generation=2, halt=True)
            raise Conflict("changed")
        write(*arguments, **options)

    monkeypatch.setattr(limits.limits, "write", halted_by_another)
    done = run("resume", "all")
    assert (done.exit_code, "is being changed by others" in done.stderr) == (1, True)
    assert limits.limits.documents["all"]["spec"]["halt"] is True


def test_resuming_what_another_one_halts_says_how_that_ends(limits: FakeCluster) -> None:
    why = "buys are halted since 2026-01-01T12:00:00Z: prices look wrong"
    limits.limits.documents["all"] = limit("all", halted=why)
    done = run("resume", "all")
    assert done.exit_code == 1
    assert f"all: losses count from now, but what halts its account may stay: {why}." in done.stderr
    assert "symbol-trader resume --exchange-environment=paper --account=7" in done.stderr
    assert limits.limits.written == [("all", RESUMED, False)]


def test_a_report_of_before_the_last_change_says_nothing_of_what_stays(
    limits: FakeCluster,
) -> None:
    """Somebody has just resumed it, and no leader has reported that yet."""
    limits.limits.documents["all"] = limit("all", halted="halt is true", generation=2)
    assert run("resume", "all").exit_code == 0


def test_resuming_after_a_loss_ends_the_halt(limits: FakeCluster) -> None:
    limits.limits.documents["all"] = limit("all", halted="lost", lost_since=NOW)
    assert run("resume", "all").exit_code == 0


@pytest.mark.parametrize("verb", ["halt", "resume"])
@pytest.mark.parametrize("arguments", [(), ("all", "--all"), ("--all", "-l", "a=b")])
def test_all_means_all_and_nothing_means_nothing(
    limits: FakeCluster, verb: str, arguments: tuple[str, ...]
) -> None:
    done = run(verb, *arguments)
    assert done.exit_code == 2
    assert "name limits, or use --selector, or --all alone" in done.output
    assert limits.limits.written == []


@pytest.mark.parametrize("verb", ["halt", "resume"])
def test_a_selector_narrows_what_is_named(limits: FakeCluster, verb: str) -> None:
    limits.limits.fitting = {"team=a": {"more", "other"}}
    assert run(verb, "all", "more", "-l", "team=a").output.startswith("more: ")
    assert [name for name, *_ in limits.limits.written] == ["more"]


@pytest.mark.parametrize("verb", ["halt", "resume"])
@pytest.mark.parametrize("arguments", [("all", "-A"), ("--all", "-A")])
def test_every_namesake_is_meant_and_told_by_its_namespace(
    limits: FakeCluster, verb: str, arguments: tuple[str, ...]
) -> None:
    limits.limits.documents["other/all"] = limit("all", namespace="other")
    done = run(verb, *arguments)
    assert done.exit_code == 0
    assert {"trading/all", "other/all"} <= {line.split(":")[0] for line in done.output.splitlines()}
    assert [name for name, *_ in limits.limits.written].count("all") == 2


@pytest.mark.parametrize("arguments", [("--all",), ("-l", "a=b"), ("--all", "-A")])
def test_a_kill_switch_that_is_not_there_is_a_failure(
    cluster: FakeCluster, arguments: tuple[str, ...]
) -> None:
    done = run("halt", *arguments)
    assert done.exit_code == 1
    where = "any namespace" if "-A" in arguments else "namespace trading"
    assert f"no TradingLimit of {where} fits" in done.stderr
    assert "nothing is halted" in done.stderr


def test_a_name_that_there_is_not_fails_before_anything_is_written(limits: FakeCluster) -> None:
    done = run("halt", "all", "another")
    assert done.exit_code == 1
    assert "no TradingLimit is named another" in done.output
    assert limits.limits.written == []


@pytest.mark.parametrize("verb", ["halt", "resume", "limits"])
def test_the_place_is_handed_on_wherever_it_stands(limits: FakeCluster, verb: str) -> None:
    run("--context", "kind", "--as=jane", verb, "all", "-n", "other")
    assert limits.where == Where(None, "kind", "other", "jane")


# What is shown.


def test_limits_are_shown_with_what_is_used_and_who_has_heard(limits: FakeCluster) -> None:
    table = [
        "NAME  EXCHANGE  HALTED  HEARD  LIMIT             USED  LEFT  OF  WHY",
        "all   paper     no      1/2    maxExposure USDT  1     9     10",
    ]
    done = run("limits", "all")
    assert done.output.splitlines() == table
    assert done.exit_code == 0
    assert run("limits", "-o", "table", "all").output.splitlines() == table


def test_a_wide_table_says_more(limits: FakeCluster) -> None:
    halted = limit("all", halted="mad", lost_since=NOW, resume="NextDay", onLimit="Shutdown")
    limits.limits.documents["all"] = halted
    head, line = run("limits", "all", "-o", "wide").output.splitlines()
    assert head.split("LIMIT", 1)[1].split() == [
        *("USED", "LEFT", "OF", "REACHED", "SINCE", "ENVIRONMENT", "ACCOUNT", "ON", "LIMIT"),
        *("RESUME", "AGE", "WHY"),
    ]
    assert line.split()[9:] == [NOW, "paper", "7", "Shutdown", "NextDay", "1h", "mad"]


def test_a_wide_table_of_what_no_leader_has_reported(limits: FakeCluster) -> None:
    del limits.limits.documents["all"]["status"]
    line = run("limits", "all", "-o", "wide").output.splitlines()[1]
    assert line.split() == ["all", "paper", "-", "0/0", *"-" * 9, "1h"]


def test_halted_limits_say_why_and_a_halt_on_its_way_is_told(cluster: FakeCluster) -> None:
    new = limit("c", namespace="other")
    del new["status"]
    found = {"a": limit("a", halted="mad", halt=True), "b": limit("b", halt=True), "other/c": new}
    cluster.limits.documents = found
    done = run("limits", "-A")
    lines = [line.split() for line in done.output.splitlines()]
    assert lines[0][:2] == ["NAMESPACE", "NAME"]
    assert [line[3] for line in lines[1:]] == ["yes", "halting", "-"]
    assert lines[1][-1] == "mad"
    assert done.exit_code == 3


def test_what_one_asks_for_is_shown_and_nothing_else(limits: FakeCluster) -> None:
    def shown(*arguments: str) -> list[str]:
        return [line.split()[0] for line in run("limits", *arguments).output.splitlines()[1:]]

    assert shown("more") == ["more"]
    limits.limits.fitting = {"a=b": {"all"}}
    assert shown("-l", "a=b") == ["all"]
    assert shown("all", "more", "-l", "a=b") == ["all"]
    done = run("limits", "another")
    assert (done.exit_code, "no TradingLimit is named another" in done.stderr) == (1, True)


def test_limits_that_may_not_be_looked_at_are_an_error(limits: FakeCluster) -> None:
    limits.limits.unreadable = ClusterError("the API server refuses: not yours")
    done = run("limits")
    assert (done.exit_code, done.stderr) == (1, "Error: the API server refuses: not yours\n")


def test_json_of_one_name_is_the_object_and_several_are_a_list(limits: FakeCluster) -> None:
    shown = json.loads(run("limits", "all", "-o", "json").output)
    assert (shown["kind"], shown["spec"]) == ("TradingLimit", {"exchange": "paper"})
    several = json.loads(run("limits", "-o", "json").output)
    assert several["kind"] == "List"
    assert [item["kind"] for item in several["items"]] == ["TradingLimit"] * 2


def test_names_are_those_that_kubectl_takes(limits: FakeCluster) -> None:
    done = run("limits", "-o", "name")
    assert done.output.splitlines() == [
        "tradinglimit.tradingsymbol.dev/all",
        "tradinglimit.tradingsymbol.dev/more",
    ]
    assert done.exit_code == 3, "one is halted"
