"""What the operator writes into a status. No side effects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from symbol_operator.decide.conditions import Situation
from symbol_operator.observe.pod import NO_POD, LeaderPod, Problem
from symbol_operator.observe.symbol import ObservedSymbol
from tradingsymbol_api.conditions import conditions_of
from tradingsymbol_api.names import OPERATOR_FIELD_MANAGER
from tradingsymbol_api.reading import mapping, text
from tradingsymbol_api.status import (
    LeaderStatus,
    OperatorStatus,
    Target,
    says_the_same,
    status_document,
    status_patch,
)


def report_patch(
    symbol: ObservedSymbol,
    pod: LeaderPod,
    situation: Situation,
    now: datetime,
    *,
    environment: str | None,
    withdraws: bool = False,
) -> Mapping[str, Any] | None:
    """Make a merge patch of the status, None if it would change nothing.

    `environment` is whose money a leader would trade; one that is there says it itself. `withdraws`
    says that it takes the report of a leader that is gone away, too.
    """
    present = mapping(symbol.document, "status")
    part = OperatorStatus(
        requested=symbol.life.desired,
        symbol=symbol.symbol,
        environment=(pod.leads and pod.environment) or environment,
        observed_generation=symbol.generation,
        leader=LeaderStatus(pod=pod.name, uid=pod.uid, node=pod.node) if pod.leads else None,
    )
    conditions = conditions_of(
        OPERATOR_FIELD_MANAGER,
        situation.findings(),
        generation=symbol.generation,
        now=now,
        status=present,
    )
    target = Target(symbol.life.namespace, symbol.name, symbol.uid)
    document = status_document(target, part, conditions)
    if not withdraws and says_the_same(OPERATOR_FIELD_MANAGER, document, present):
        return None
    return status_patch(document, symbol.document, withdrawn=withdraws)


def after_refusal(
    symbol: ObservedSymbol, problem: Problem, now: datetime
) -> Mapping[str, Any] | None:
    """Make the patch of the status again after the leader pod was refused."""
    situation = Situation(problem.reason, problem.message)
    return report_patch(symbol, NO_POD, situation, now, environment=known_environment(symbol))


def known_environment(symbol: ObservedSymbol) -> str | None:
    """Return the environment that the status names, for whoever has not read the spec."""
    return text(symbol.document, "status", "environment") or None
