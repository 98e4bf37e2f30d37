"""What a resource asks for, and what stands in its way."""

from typing import Any

import pytest

from symbol_operator.decide.decision import Context, Decision, decide
from symbol_operator.decide.manifests import pod_manifest
from symbol_operator.decide.plan import NO_BACKOFF, CreatePod, DeletePod, Desired, Step
from symbol_operator.decide.rescue import after_failure, rescue
from symbol_operator.observe.view import View
from symbol_operator.settings import OperatorSettings
from tradingsymbol_api.conditions import OperatorReason
from tradingsymbol_api.names import ANNOTATION_TEMPLATE_HASH
from unit.operator.objects import NOW, container, pod, resource


@pytest.fixture
def context(settings: OperatorSettings) -> Context:
    """Return what all decisions share."""
    return Context(settings, "cluster-1")


def decision(context: Context, document: dict[str, Any] | None, **view: Any) -> Decision:
    return decide(View(document, **{"pod": None, **view}), context, NO_BACKOFF, NOW)


@pytest.mark.parametrize(
    ("written", "desired"),
    [
        (True, Desired.ON),
        ("on", Desired.ON),
        (False, Desired.OFF),
        ("off", Desired.OFF),
        ("shutdown", Desired.SHUTDOWN),
    ],
)
def test_a_status_is_a_wish_and_is_shown_in_one_spelling(
    context: Context, written: object, desired: Desired
) -> None:
    decided = decision(context, resource(written))

    assert decided.desired.status is desired
    assert decided.status is not None
    assert decided.status["status"]["requested"] == desired.value


def test_a_missing_resource_is_the_end(context: Context) -> None:
    decided = decision(context, None)

    assert decided.desired.status is Desired.END
    assert decided.idle


def test_a_leader_of_a_missing_resource_is_work(context: Context) -> None:
    assert not decision(context, None, pod=pod()).idle


@pytest.mark.parametrize(
    ("exchange", "reason", "message"),
    [
        (
            "kraken",
            OperatorReason.UNKNOWN_EXCHANGE,
            "spec.exchange kraken is no entry of the operator's exchange list (paper, binance).",
        ),
        (
            "binance",
            OperatorReason.EXCHANGE_REFUSED,
            (
                "Entry binance of the operator's exchange list: realMoney is missing: live trades "
                "real money, which has to be allowed by realMoney: true."
            ),
        ),
    ],
)
def test_an_exchange_that_cannot_be_traded_at_blocks_a_leader(
    context: Context, exchange: str, reason: OperatorReason, message: str
) -> None:
    decided = decision(context, resource("on", exchange=exchange))

    assert decided.planned.actions == ()
    assert (decided.situation.reason, decided.situation.message) == (reason, message)


def test_an_operator_without_exchanges_says_so(
    settings: OperatorSettings,
) -> None:
    bare = Context(settings.model_copy(update={"exchanges": ()}), "cluster-1")

    assert "list (none)." in decision(bare, resource("on")).situation.message


def test_a_running_leader_survives_the_loss_of_its_exchange_entry(context: Context) -> None:
    """A mistake in the operator's configuration must not stop who trades."""
    decided = decision(context, resource("on", exchange="kraken"), pod=pod(ready=True))

    assert decided.planned.actions == ()
    assert decided.situation.reason is OperatorReason.UNKNOWN_EXCHANGE


def test_the_symbol_is_shown_as_the_exchange_writes_it(context: Context) -> None:
    named = decision(context, resource("off"))
    given = decision(context, resource("off", symbol="ETHUSDT"))

    assert named.status is not None
    assert given.status is not None
    assert named.status["status"]["symbol"] == "XRPUSDT"
    assert given.status["status"]["symbol"] == "ETHUSDT"


def test_the_pod_that_is_created_trades_where_the_resource_says(context: Context) -> None:
    decided = decision(context, resource("on"))

    assert decided.planned.actions == (CreatePod(),)
    variables = pod_manifest(decided, context)["spec"]["containers"][0]["env"]
    assert {"name": "SYMBOL_TRADER_EXCHANGE_ENVIRONMENT", "value": "paper"} in variables


@pytest.mark.parametrize("document", [None, resource("on", exchange="kraken")])
def test_no_pod_is_made_up_for_what_is_blocked(
    context: Context, document: dict[str, Any] | None
) -> None:
    with pytest.raises(ValueError, match="creates no pod"):
        pod_manifest(decision(context, document), context)


def test_of_a_resource_that_is_gone_no_failure_is_told() -> None:
    assert after_failure(View(None, pod()), ValueError("no"), NOW) is None


def test_the_pod_of_a_resource_that_is_gone_is_deleted_whatever_else_fails(
    settings: OperatorSettings,
) -> None:
    assert rescue(View(None, pod()), settings) == (DeletePod("p1"),)


def environment(decided: Decision) -> Any:
    return (decided.status or {})["status"]["environment"]


def test_whose_money_it_is_is_shown_also_while_nothing_trades(context: Context) -> None:
    assert environment(decision(context, resource("off"))) == "paper"
    assert environment(decision(context, resource("on", uid="r2", exchange="binance"))) == "live"
    unknown = decision(context, resource("on", uid="r3", exchange="nobody's"))
    assert "environment" not in (unknown.status or {})["status"]


def test_a_leader_that_was_told_another_money_trades_that(context: Context) -> None:
    """The entry was changed under it, and it is not replaced yet."""
    leader = pod(ready=True)
    told = {"name": "SYMBOL_TRADER_EXCHANGE_ENVIRONMENT", "value": "testnet"}
    leader["spec"]["containers"] = [{"name": "leader", "env": [told]}]

    assert environment(decision(context, resource("on"), pod=leader)) == "testnet"
    told["value"] = "something else"
    assert environment(decision(context, resource("on"), pod=leader)) == "paper"


def test_a_leader_that_trades_is_not_taken_for_one_that_does_not(context: Context) -> None:
    """A sidecar that is not ready changes nothing in when a leader may be replaced."""
    leader = pod(containerStatuses=container(ready=True))
    leader["metadata"]["annotations"] = {ANNOTATION_TEMPLATE_HASH: "another"}
    asked = resource("on", updateStrategy="Manual")

    trades = decision(context, asked, pod=leader)
    assert trades.pod.outdated
    assert trades.planned.actions == ()
    assert "beside the leader's" in trades.situation.message

    leader["status"]["containerStatuses"] = container(ready=False)
    assert decision(context, asked, pod=leader).planned.step is Step.UPDATE
