"""Events of the API server about our resources, as operator and leaders write them."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from tradingsymbol_api.names import API_VERSION, GROUP, KIND
from tradingsymbol_api.reading import Document, mapping, text

EVENTS_GROUP: Final = "events.k8s.io"
EVENTS_VERSION: Final = "v1"
EVENTS_PLURAL: Final = "events"
NOTE_LENGTH_MAX: Final = 1024
"""Longest note of an Event that the API server takes."""


def event_name(resource: Document, *facts: object) -> str:
    """Return the name of an Event: one of the same facts is refused as a duplicate."""
    metadata = mapping(resource, "metadata")
    about = (text(metadata, "uid"), *facts)
    digest = hashlib.sha256("\n".join(map(str, about)).encode()).hexdigest()[:16]
    return f"{text(metadata, 'name')}.{digest}"


def event_document(
    resource: Document,
    name: str,
    *,
    reason: str,
    note: str,
    warning: bool,
    action: str,
    now: datetime,
    manager: str,
    instance: str,
) -> dict[str, Any]:
    """Build an Event about a resource, which `manager` writes in its pod `instance`."""
    metadata = mapping(resource, "metadata")
    return {
        "apiVersion": f"{EVENTS_GROUP}/{EVENTS_VERSION}",
        "kind": "Event",
        "metadata": {"name": name, "namespace": text(metadata, "namespace")},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if warning else "Normal",
        "reason": reason,
        "action": action,
        "note": note[:NOTE_LENGTH_MAX],
        "regarding": {
            "apiVersion": text(resource, "apiVersion") or API_VERSION,
            "kind": text(resource, "kind") or KIND,
            "namespace": text(metadata, "namespace"),
            "name": text(metadata, "name"),
            "uid": text(metadata, "uid"),
        },
        "reportingController": f"{GROUP}/{manager}",
        "reportingInstance": instance,
    }
