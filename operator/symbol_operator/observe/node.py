"""Whether the node of a pod answers, and when there is reason to ask. No side effects."""

from datetime import datetime, timedelta
from typing import Final

from symbol_operator.observe.pod import condition
from tradingsymbol_api.reading import Document, parse_time, text

OVERDUE_AFTER: Final = timedelta(seconds=5)
"""How long past its grace period a terminating pod may remain before its node is suspected."""


def node_suspect(pod: Document | None, now: datetime) -> bool:
    """Return whether the pod's state raises the question whether its node still answers."""
    if pod is None or not text(pod, "spec", "nodeName"):
        return False
    if text(pod, "status", "phase") == "Unknown":
        return True
    overdue = overdue_at(pod)
    if overdue is None:
        return False
    # A taint that the pod does not tolerate, such as not-ready and unreachable.
    evicted = text(condition(pod, "DisruptionTarget"), "reason") == "DeletionByTaintManager"
    return evicted or now > overdue


def overdue_at(pod: Document | None) -> datetime | None:
    """Return when a terminating pod begins to raise that question, None if it does not end."""
    deadline = parse_time(text(pod, "metadata", "deletionTimestamp"))
    try:
        return deadline + OVERDUE_AFTER if deadline else None
    except OverflowError:
        return None


def node_lost(node: Document | None) -> bool:
    """Return whether the node is gone or not ready."""
    if node is None:
        return True
    return text(condition(node, "Ready"), "status") != "True"
