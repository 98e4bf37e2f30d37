"""What is told of one symbol: explained, its Events, its leader's story."""

from datetime import UTC, datetime

from kubectl_trading.commands import telling
from kubectl_trading.connection import ClusterError
from kubectl_trading.events import Event
from kubectl_trading.pods import LogOptions
from unit.kubectl_trading.conftest import LINE
from unit.kubectl_trading.documents import document
from unit.kubectl_trading.fake_cluster import FakeCluster, run
from unit.kubectl_trading.test_owning import owned

AT = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
STARTED = Event(AT, "Normal", "LeaderStarted", "tradingsymbol/xrp", "started on node-1")
SCHEDULED = Event(AT.replace(hour=11, minute=0), "Normal", "Scheduled", "pod/xrp", "assigned")


def test_a_symbol_is_explained(cluster: FakeCluster, asked: list[LogOptions]) -> None:
    stalled = "True ForeignPod: not ours"
    cluster.symbols.documents = {
        "xrp": document("xrp", Ready="False Starting: pulls", Stalled=stalled)
    }
    cluster.told = [STARTED]
    done = run("explain", "xrp")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "trading/xrp: XRP",
        "",
        "Asked:",
        "  on",
        "",
        "So:",
        "  no; traders 2, open orders 1; profit 0.25 USDT",
        "",
        "Why not:",
        "  ForeignPod: not ours",
        "  Starting: pulls",
        "",
        "What to do:",
        "  ForeignPod: Delete or rename the pod xrp-leader: it is not the operator's.",
        "  Starting: Wait. If it stays so: kubectl describe pod --namespace trading xrp-leader",
        "",
        "Events:",
        "  LAST SEEN             TYPE    REASON         OBJECT             NOTE",
        "  2026-01-01 12:30:00Z  Normal  LeaderStarted  tradingsymbol/xrp  started on node-1",
        "",
        "Story:",
        "  2026-01-01 12:30:00Z  bought  price=2",
    ]
    assert asked == [LogOptions(tail=telling.STORY_LINES)]


def test_what_may_not_be_looked_at_is_named(cluster: FakeCluster, asked: list[LogOptions]) -> None:
    cluster.told = ClusterError("the API server refuses: no Events for you")
    lines = run("explain", "ada").output.splitlines()
    assert "  cannot be looked at: the API server refuses: no Events for you" in lines
    assert '  cannot be read: pods "ada-leader" not found' in lines


def test_limits_that_may_not_be_looked_at_are_told_of(
    cluster: FakeCluster, asked: list[LogOptions]
) -> None:
    cluster.symbols.documents = {"xrp": document("xrp", Degraded="True BuysHalted: prices")}
    cluster.limits.unreadable = ClusterError("the API server refuses: no limits for you")
    lines = run("explain", "xrp").output.splitlines()
    assert "  cannot be looked at: the API server refuses: no limits for you" in lines
    assert [line for line in lines if "kubectl trading resume --all --namespace trading" in line]


def test_the_command_that_takes_over_is_printed_where_the_owner_is_gone(
    cluster: FakeCluster, asked: list[LogOptions]
) -> None:
    cluster.symbols.documents = {"second": owned()}
    lines = run("explain", "second").output.splitlines()
    assert "  its owner old/first is gone" in lines
    (command,) = [line for line in lines if "takeover --n" in line]
    assert command.strip() == "kubectl trading takeover --namespace trading second"


def test_commands_are_told_by_the_name_of_the_program(
    cluster: FakeCluster, asked: list[LogOptions]
) -> None:
    """Krew installs it by another one."""
    cluster.symbols.documents = {"second": owned()}
    told = run("explain", "second", program="kubectl trading-symbols").output
    assert "kubectl trading-symbols takeover --namespace trading second" in told


def test_events_are_shown_in_their_order(cluster: FakeCluster) -> None:
    cluster.told = [STARTED, SCHEDULED]
    assert run("events").output.splitlines() == [
        "LAST SEEN             TYPE    REASON         OBJECT             NOTE",
        "2026-01-01 11:00:00Z  Normal  Scheduled      pod/xrp            assigned",
        "2026-01-01 12:30:00Z  Normal  LeaderStarted  tradingsymbol/xrp  started on node-1",
    ]
    assert run("events", "ada").output.splitlines() == ["LAST SEEN  TYPE  REASON  OBJECT  NOTE"]


def test_logs_are_readable_or_raw(cluster: FakeCluster, asked: list[LogOptions]) -> None:
    assert run("logs", "xrp").output == "2026-01-01 12:30:00Z  bought  price=2\n"
    assert run("logs", "xrp", "--raw").output == LINE + "\n"


def test_which_lines_are_meant_is_handed_on(cluster: FakeCluster, asked: list[LogOptions]) -> None:
    run("logs", "xrp", "-f", "-p", "--tail", "7", "--since", "1h")
    assert asked == [LogOptions(follow=True, previous=True, tail=7, since="1h")]
    assert asked[0].options() == ["--follow", "--previous", "--tail=7", "--since=1h"]
    assert LogOptions().options() == []
