"""What is done about a symbol for which `decide` fails. No side effects.

It reads as little as can be: a symbol must be stoppable, and a resource must be able to go,
whatever else is wrong with them or with us.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from symbol_operator.decide.conditions import Situation
from symbol_operator.decide.desired import desired_of, is_left
from symbol_operator.decide.plan import Action, DeletePod, Desired, SetFinalizer
from symbol_operator.decide.reporting import known_environment, report_patch
from symbol_operator.observe.labels import is_ours
from symbol_operator.observe.pod import NO_POD, LeaderPod, PodState
from symbol_operator.observe.symbol import observe_lifecycle, observe_symbol
from symbol_operator.observe.view import View
from symbol_operator.settings import OperatorSettings
from tradingsymbol_api.conditions import OperatorReason
from tradingsymbol_api.reading import holds, text


def rescue(view: View, settings: OperatorSettings) -> tuple[Action, ...]:
    """Decide what must be done about a symbol for which `decide` fails."""
    desired, kept = Desired.END, False
    if view.resource is not None:
        life = observe_lifecycle(view.resource)
        ending = view.namespace_ending
        desired = (
            Desired.OFF if is_left(life, settings) else desired_of(life, namespace_ending=ending)
        )
        kept = life.kept
    actions: list[Action] = []
    if desired is Desired.END and kept:
        actions.append(SetFinalizer(kept=False))
    runs = is_ours(view.pod) and not holds(view.pod, "metadata", "deletionTimestamp")
    if desired in {Desired.OFF, Desired.END} and runs:
        actions.append(DeletePod(text(view.pod, "metadata", "uid")))
    return tuple(actions)


def after_failure(view: View, error: Exception, now: datetime) -> Mapping[str, Any] | None:
    """Make the patch of the status of a symbol for which `decide` fails."""
    symbol = observe_symbol(view.resource)
    if symbol is None:
        return None
    message = (
        f"The operator fails at this ({type(error).__name__}) and tries again ever more slowly; "
        "its log says where. Switched off, its leader is stopped all the same."
    )
    name, uid = text(view.pod, "metadata", "name"), text(view.pod, "metadata", "uid")
    pod = LeaderPod(PodState.UNKNOWN, name, uid) if is_ours(view.pod) else NO_POD
    situation = Situation(OperatorReason.INTERNAL_ERROR, message)
    return report_patch(symbol, pod, situation, now, environment=known_environment(symbol))
