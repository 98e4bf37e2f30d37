"""How sure a decision is of what it was made from. No side effects."""

from datetime import datetime
from typing import Final

from symbol_operator.decide.decision import Decision
from symbol_operator.decide.plan import FORCING, LEADING, SetFinalizer, Step
from symbol_operator.observe.node import node_suspect
from symbol_operator.observe.pod import PodState
from symbol_operator.observe.view import View
from tradingsymbol_api.values import TradingStatus

AFTER_AN_END: Final = frozenset({Step.REPLACE, Step.REPLACE_LATER})
"""Steps that follow from the end of a pod."""
LED: Final = frozenset({TradingStatus.ON, TradingStatus.SHUTDOWN})
"""Values of `status.requested` under which a leader was there, or about to be."""


def must_be_sure(decision: Decision) -> bool:
    """Return whether what follows may be carried out only after reading the pod and the resource.

    The watches of pods and of resources have no common order: the end of a pod may be known before
    what its leader wrote before it ended, and a pod before its resource. To act on the one
    without the other may start a leader for a symbol that is off, end one that is wanted, give up
    one that has ended well, or let a resource go whose leader has not finished.
    """
    planned = decision.planned
    if planned.step in AFTER_AN_END or planned.step in FORCING:
        return True
    if SetFinalizer(kept=False) in planned.actions:
        return True
    if decision.pod.state is PodState.ORPHANED:
        return True
    # A pod that is not there any more has ended, too.
    led = decision.symbol is not None and decision.symbol.reported.requested in LED
    return planned.creates and led


def unsure(view: View, decision: Decision, now: datetime) -> bool:
    """Return whether something is waited for that no watch tells."""
    if decision.symbol is not None and decision.symbol.life.held_up:
        return True
    if node_suspect(view.pod, now) or decision.pod.state is PodState.FOREIGN:
        return True
    return bool(decision.pod.outdated) and decision.planned.step is not Step.UPDATE


def is_updated(decision: Decision) -> bool:
    """Return whether a leader that led is on its way to be updated, as the cluster shows.

    Its pod ends, or has ended, or the next one has not led yet: one that has, and is not ready any
    more, has some other problem.
    """
    pod, symbol = decision.pod, decision.symbol
    if decision.desired.status not in LEADING or symbol is None:
        return False
    if pod.state is PodState.TERMINATING:
        return bool(pod.outdated)
    if pod.state is PodState.NONE:
        return decision.planned.creates and symbol.reported.names_leader
    return pod.takes_slot and not pod.ready and not symbol.reported.epoch
