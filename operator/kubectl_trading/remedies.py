"""What to do about each reason of a condition that may be in the way. Pure.

The runbook of the documentation has a section for each, with more words.
"""

from collections.abc import Mapping
from typing import Final

from kubectl_trading.symbols import Symbol
from tradingsymbol_api.conditions import LeaderReason, OperatorReason
from tradingsymbol_api.names import ANNOTATION_ABANDON, leader_pod_name

WAIT: Final = "Nothing: it passes by itself."
EXCHANGE_WAIT: Final = "Nothing: orders rest, and it goes on by itself."
ADMINISTRATOR: Final = "Correct the operator's configuration; the message names what is wrong."
RUNBOOK: Final = "See the section of this name in the runbook."

REMEDIES: Final[Mapping[str, str]] = {
    OperatorReason.DRAINING: WAIT,
    OperatorReason.STARTING: "Wait. If it stays so: "
    "kubectl describe pod --namespace {namespace} {pod}",
    OperatorReason.LEADER_NOT_READY: "Wait, unless Degraded says what the leader lacks.",
    OperatorReason.STOPPING: WAIT,
    OperatorReason.REPLACING: WAIT,
    OperatorReason.BACKING_OFF: "See why the last leader ended: kubectl trading logs {at} "
    "--previous",
    OperatorReason.CRASH_LOOPING: "The log ends with the reason: kubectl trading logs {at} "
    "--previous; please report it. kubectl trading stop {at} keeps it from going on.",
    OperatorReason.SECRET_MISSING: "Create the Secret; the message has the command.",
    OperatorReason.CANNOT_START: "The message is the kubelet's: make the image fit the node, or "
    "the pod fit the cluster's policies.",
    OperatorReason.IMAGE_UNAVAILABLE: "Correct leader.image of the operator's configuration, or "
    "the pull secret of the service account symbol-trader.",
    OperatorReason.UNSCHEDULABLE: "Make room on a node, or correct leader.nodeSelector, "
    "leader.tolerations or leader.resources of the operator's configuration.",
    OperatorReason.NODE_LOST: "Nothing: another leader takes its place on another node.",
    OperatorReason.FENCING: "Wait. If it stays so, see what the fence waits for: "
    "kubectl get pods --namespace {namespace} --selector tradingsymbol.dev/fences",
    OperatorReason.UNKNOWN_EXCHANGE: "Add the entry to the operator's configuration, or create "
    "the resource again with another spec.exchange.",
    OperatorReason.EXCHANGE_REFUSED: ADMINISTRATOR,
    OperatorReason.INVALID_SPEC: "Install operator and CRD of the same version, or correct the "
    "field that the message names.",
    OperatorReason.FOREIGN_POD: "Delete or rename the pod {pod}: it is not the operator's.",
    OperatorReason.CREATE_REFUSED: "Change the quota or the admission rule that the message names.",
    OperatorReason.INTERNAL_ERROR: "It is a defect of the operator: please report its log.",
    OperatorReason.NAMESPACE_LEAVING: "List the namespace under namespaces of the operator's "
    "configuration again, or create the symbol elsewhere.",
    OperatorReason.DELETING: "Wait. To let its orders rest instead: kubectl --namespace "
    f"{{namespace}} annotate tsym {{name}} {ANNOTATION_ABANDON}=true",
    LeaderReason.SHUTDOWN_REQUESTED: "Wait for the orders that the message names, or set "
    "spec.shutdown.deadline. kubectl trading start {at} cancels the shutdown.",
    LeaderReason.BUDGET_TOO_SMALL: "Raise spec.budget to what the message names, or lower "
    "spec.chunks.",
    LeaderReason.UNKNOWN_SYMBOL: "Create the resource again with the exchange's spelling in "
    "spec.symbol; or shut it down, if the exchange has taken the symbol off.",
    LeaderReason.SYMBOL_HALTED: EXCHANGE_WAIT,
    LeaderReason.CREDENTIALS_REFUSED: "Correct the Secret of the key; the leader takes it within "
    "two minutes.",
    LeaderReason.KEY_NOT_CHECKED: "See that the leader reaches the exchange's REST address; "
    "trading goes on.",
    LeaderReason.EXCHANGE_UNREACHABLE: EXCHANGE_WAIT,
    LeaderReason.DATABASE_UNREACHABLE: "Bring PostgreSQL back, or correct its Secret; the message "
    "is PostgreSQL's own.",
    LeaderReason.API_SERVER_UNREACHABLE: WAIT,
    LeaderReason.SCHEMA_MISMATCH: "Update the side that the message names; "
    "symbol-trader migrate updates the record.",
    LeaderReason.OWNED_BY_ANOTHER: "See to it that one resource alone trades the symbol; the "
    "message names the other one.",
    LeaderReason.ACCOUNT_CHANGED: "Put the former key back, and finish its cycles with a shutdown "
    "before you change it.",
    LeaderReason.RECORD_ROLLED_BACK: "Do not delete the database. The page about the record says "
    "how to go on after lost commits.",
    LeaderReason.RECORD_CONTRADICTS: "Look: kubectl trading audit {at}. Then say how the order "
    "ended: symbol-trader settle --help",
    LeaderReason.ORDER_MISSING: "If the order is gone for good, end it: symbol-trader settle "
    "--state canceled",
    LeaderReason.FILLS_MISSING: EXCHANGE_WAIT,
    LeaderReason.MARKET_DATA_STALE: WAIT,
    LeaderReason.ORDER_BLOCKED: "It is tried again by itself; the message is the exchange's own. "
    "After CanceledByOthers, change anything in the resource to go on.",
    LeaderReason.BUYS_HALTED: "Find out why first. Then a person resumes: kubectl trading resume "
    "--all --namespace {namespace}; or symbol-trader resume, if symbol-trader halted it.",
    LeaderReason.LIMIT_REACHED: "Nothing, unless the limit is too low: kubectl trading limits "
    "--namespace {namespace}. The buy is tried again by itself.",
    LeaderReason.LIMITS_UNREAD: "Wait. If it stays so, the leader's log says why: with 403, apply "
    "components/trading-namespace of this version.",
    LeaderReason.INSUFFICIENT_BALANCE: "Bring the account what the message names, or lower "
    "spec.budget.",
    LeaderReason.ORDER_UNKNOWN: WAIT,
    LeaderReason.SELLS_AT_LOSS: "Raise spec.profitInterval above 0, unless it is meant so.",
    LeaderReason.FEES_EXCEED_PROFIT: "Raise spec.profitInterval or spec.budget.",
}
"""By reason. `{at}` stands for the options and the name that commands want."""


def remedy(reason: str, symbol: Symbol) -> str:
    """Return what to do about a reason."""
    return REMEDIES.get(reason, RUNBOOK).format(
        at=at(symbol),
        name=symbol.name,
        namespace=symbol.namespace,
        pod=leader_pod_name(symbol.name),
    )


def at(symbol: Symbol) -> str:
    """Return the options and the name by which a command means this symbol."""
    return f"--namespace {symbol.namespace} {symbol.name}"
