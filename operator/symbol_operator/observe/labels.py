"""Which pods are the operator's, and whose leader or fence each of them is. No side effects."""

from typing import Final

from tradingsymbol_api.names import (
    LABEL_FENCES,
    LABEL_MANAGED_BY,
    LABEL_RESOURCE,
    OPERATOR_FIELD_MANAGER,
    leader_pod_name,
)
from tradingsymbol_api.reading import Document, holds, text

SUFFIX: Final = leader_pod_name("")
"""What is added to the name of a resource in that of its leader pod."""


def is_ours(pod: Document | None) -> bool:
    """Return whether the operator has created a pod."""
    return text(pod, "metadata", "labels", LABEL_MANAGED_BY) == OPERATOR_FIELD_MANAGER


def is_fence(pod: Document) -> bool:
    """Return whether a pod with a leader's labels is the fence of one."""
    return holds(pod, "metadata", "labels", LABEL_FENCES)


def is_leader_pod(pod: Document) -> bool:
    """Return whether a pod with a leader's labels has the name of a leader of anything."""
    return not is_fence(pod) and bool(resource_of(pod))


def resource_of(pod: Document) -> str:
    """Return the name of the TradingSymbol of a leader pod or fence, empty if it has none.

    A leader is known by its name, which nobody can change; a label anybody can.
    """
    if is_fence(pod):
        return text(pod, "metadata", "labels", LABEL_RESOURCE)
    name = text(pod, "metadata", "name")
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else ""
