"""Objects as the API server writes them, as far as the operator reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradingsymbol_api.names import (
    ANNOTATION_LOST_NODE,
    LABEL_FENCES,
    leader_labels,
    leader_pod_name,
)

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
"""When the tests happen."""


def timestamp(moment: datetime) -> str:
    """Write a time as the API server does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def resource(
    status: object = "on", *, uid: str = "r1", generation: int = 1, **spec: Any
) -> dict[str, Any]:
    """Make a TradingSymbol that was never reconciled."""
    return {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingSymbol",
        "metadata": {
            "namespace": "trading",
            "name": "xrpusdt",
            "uid": uid,
            "generation": generation,
            "managedFields": [
                {
                    "manager": "kubectl-patch",
                    "time": "2026-01-01T11:59:00Z",
                    "fieldsV1": {"f:spec": {"f:status": {}}},
                }
            ],
        },
        "spec": {"budget": 100, "exchange": "paper", "status": status, **spec},
    }


def pod(
    phase: str = "Running",
    *,
    uid: str = "p1",
    owner: str | None = "r1",
    ready: bool = False,
    deleted: timedelta | None = None,
    age: timedelta = timedelta(minutes=1),
    node: str | None = "node-1",
    **status: Any,
) -> dict[str, Any]:
    """Make a leader pod; `deleted` is the time from now to the end of its grace period."""
    metadata: dict[str, Any] = {
        "namespace": "trading",
        "name": leader_pod_name("xrpusdt"),
        "uid": uid,
        "labels": leader_labels("xrpusdt"),
        "creationTimestamp": timestamp(NOW - age),
    }
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    if deleted is not None:
        metadata["deletionTimestamp"] = timestamp(NOW + deleted)
    conditions = [{"type": "Ready", "status": str(ready)}, *status.pop("conditions", ())]
    return {
        "metadata": metadata,
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": conditions, **status},
    }


def fence(phase: str = "Running", **facts: Any) -> dict[str, Any]:
    """Make the fence of the leader pod p1, which was on node-1."""
    made = pod(phase, **{"uid": "f1", "owner": None, "node": "node-2", **facts})
    made["metadata"]["name"] = "xrpusdt-fence-p1"
    made["metadata"]["labels"][LABEL_FENCES] = "p1"
    made["metadata"]["annotations"] = {ANNOTATION_LOST_NODE: "node-1"}
    return made


def foreign_pod() -> dict[str, Any]:
    """Make a pod of somebody else under the leader's name."""
    other = pod(owner=None)
    other["metadata"]["labels"] = {"app": "something"}
    return other


def container(
    state: dict[str, Any] | None = None, *, name: str = "leader", **more: Any
) -> list[dict[str, Any]]:
    """Make the container statuses of a pod with one container."""
    return [{"name": name, "state": state or {}, **more}]


def terminated(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    """Make the state of a container that has ended."""
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """Make the state of a container that does not start."""
    return {"waiting": {"reason": reason, "message": message}}


def node(ready: str = "True") -> dict[str, Any]:
    """Make a node."""
    return {"status": {"conditions": [{"type": "Ready", "status": ready}]}}
