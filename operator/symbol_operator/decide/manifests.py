"""The pods that a decision wants created. No side effects."""

from typing import Any

from symbol_operator.decide.decision import Context, Decision
from symbol_operator.decide.fence_pod import fence_pod
from symbol_operator.decide.fencing import CreateFence
from symbol_operator.decide.plan import LEADING, Desired
from symbol_operator.observe.view import View
from tradingsymbol_api.names import ANNOTATION_TAKES_SLOT
from tradingsymbol_api.reading import text


def pod_manifest(
    decision: Decision, context: Context, *, takes_slot: bool = False
) -> dict[str, Any]:
    """Build the leader pod that `decision` wants created.

    `takes_slot` says that it follows one that was ready, in an update.

    Raises:
        ValueError: none may be created.

    """
    pod = context.specs.pod(decision.desired.leader)
    if not takes_slot:
        return pod
    metadata = pod["metadata"]
    annotations = {**metadata["annotations"], ANNOTATION_TAKES_SLOT: "true"}
    return {**pod, "metadata": {**metadata, "annotations": annotations}}


def fence_manifest(action: CreateFence, view: View, desired: Desired) -> dict[str, Any]:
    """Build the fence that `action` wants created.

    Where a leader is wanted, it is to go on with what the lost one holds: nothing is released.
    """
    found = (*view.fences, *filter(None, (view.pod,)))
    (source,) = (pod for pod in found if text(pod, "metadata", "uid") == action.source)
    return fence_pod(source, action.of, release=desired not in LEADING)
