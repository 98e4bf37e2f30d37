"""The formats of `status --output`."""

import json

import pytest
import yaml

from unit.kubectl_trading.documents import document
from unit.kubectl_trading.fake_cluster import FakeCluster, run


@pytest.fixture(autouse=True)
def _one_symbol(cluster: FakeCluster) -> None:
    found = document("xrp", status=True, Ready="True LeaderReady")
    found["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    found["spec"] |= {"symbol": "XRPUSDT", "exchange": "demo", "chunks": 5}
    found["status"] |= {"environment": "demo", "leader": {"pod": "p", "node": "node-1"}}
    cluster.symbols.documents = {"xrp": found}


def test_a_table_is_the_default() -> None:
    table = [
        "NAME  REQUESTED  READY  TRADERS  ORDERS  PROFIT     WHY",
        "xrp   on         yes    2        1       0.25 USDT",
    ]
    assert run("status").output.splitlines() == table
    assert run("status", "-o", "table").output.splitlines() == table


def test_a_wide_table_says_more() -> None:
    head, line = run("status", "-o", "wide").output.splitlines()
    assert head.split()[6:] == [
        *("SYMBOL", "EXCHANGE", "ENVIRONMENT", "BUDGET", "CHUNKS", "NODE", "AGE", "WHY"),
    ]
    assert line.split()[7:] == ["XRPUSDT", "demo", "demo", "100", "5", "node-1", "1h"]


def test_a_wide_table_of_what_was_just_created(cluster: FakeCluster) -> None:
    found = cluster.symbols.documents["xrp"]
    found["metadata"]["creationTimestamp"] = ""
    found["spec"] = {}
    found["status"] = {}
    line = run("status", "-o", "wide").output.splitlines()[1]
    assert line.split()[6:13] == ["XRP", "-", "-", "-", "-", "-", "-"]


def test_json_of_one_name_is_the_object_without_who_wrote_it(cluster: FakeCluster) -> None:
    shown = json.loads(run("status", "xrp", "-o", "json").output)
    assert shown["kind"] == "TradingSymbol"
    assert shown["spec"] == cluster.symbols.documents["xrp"]["spec"]
    assert "managedFields" not in shown["metadata"]


@pytest.mark.parametrize("arguments", [(), ("-A", "xrp"), ("xrp", "-l", "a=b")])
def test_several_are_a_list_as_kubectl_writes_it(arguments: tuple[str, ...]) -> None:
    shown = yaml.safe_load(run("status", "-o", "yaml", *arguments).output)
    assert (shown["kind"], shown["apiVersion"]) == ("List", "v1")
    assert [item["metadata"]["name"] for item in shown["items"]] == ["xrp"]


def test_names_are_those_that_kubectl_takes() -> None:
    assert run("status", "-o", "name").output == "tradingsymbol.tradingsymbol.dev/xrp\n"


def test_a_format_that_there_is_not_is_refused() -> None:
    done = run("status", "-o", "xml")
    assert (done.exit_code, "'table', 'wide', 'json', 'yaml', 'name'" in done.output) == (2, True)
