"""Which container of a pod is ours, and how one ended. No side effects.

Others may add containers to a leader's pod or a fence, such as the proxy of a service mesh, before
or after ours. Ours is known by its name.
"""

import json
from typing import Final

from tradingsymbol_api.reading import Document, mapping, number, objects, text

FENCE_CONTAINER: Final = "fence"

STATUSES: Final = ("containerStatuses", "initContainerStatuses")
"""Where a pod's status tells of containers; a native sidecar is an init container to it."""


def container_status(pod: Document, name: str) -> Document:
    """Return the status of the container `name`, an empty one before the kubelet tells of it."""
    statuses = objects(pod, "status", "containerStatuses")
    return next((item for item in statuses if text(item, "name") == name), {})


def other_statuses(pod: Document, name: str) -> list[Document]:
    """Return the statuses of all containers but `name`: what others have added."""
    everything = (item for where in STATUSES for item in objects(pod, "status", where))
    return [item for item in everything if text(item, "name") != name]


def last_end(container: Document) -> Document:
    """Return how a container ended last, an empty object if it never did."""
    ends = (mapping(container, state, "terminated") for state in ("state", "lastState"))
    return next(filter(None, ends), {})


def is_done(container: Document) -> bool:
    """Return whether a container has ended well, after which the kubelet does not restart it."""
    end = mapping(container, "state", "terminated")
    return bool(end) and number(end, "exitCode") == 0


def termination_message(container: Document) -> Document:
    """Read the termination message of a container of ours, or nothing where it left none."""
    message = text(last_end(container), "message")
    try:
        words = json.loads(message)
    except (ValueError, RecursionError):
        # Whoever can write the pod's status, or run in it, chooses how deep it is nested.
        return {"message": message}
    return words if isinstance(words, dict) else {"message": message}
