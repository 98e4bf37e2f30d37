"""Who owns which field of a status, as the API server keeps it. Nothing here has side effects.

What a leader no longer says, the API server removes only where nobody else owns it. So a field
that a person wrote, or whose owners were cleared, would stay in its report as long as it leads.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradingsymbol_api.conditions import CONDITION_OWNER
from tradingsymbol_api.names import API_VERSION, LEADER_FIELD_MANAGER, OPERATOR_FIELD_MANAGER
from tradingsymbol_api.reading import Document, mapping, objects, text
from tradingsymbol_api.status import FIELD_OWNER

STATUS: Final = "f:status"
CONDITIONS: Final = "f:conditions"
MANAGERS: Final = (OPERATOR_FIELD_MANAGER, LEADER_FIELD_MANAGER)
OPERATIONS: Final = {OPERATOR_FIELD_MANAGER: "Update", LEADER_FIELD_MANAGER: "Apply"}
"""How each writes its part."""
APPLIED_BEFORE: Final = (OPERATOR_FIELD_MANAGER, "Apply")
"""How earlier versions of the operator wrote theirs."""
SUBRESOURCE: Final = "status"


def status_writer(resource: Document) -> str | None:
    """Find the field manager that wrote `spec.status` last, None where nobody knows."""
    writers = [
        (text(entry, "time"), text(entry, "manager"))
        for entry in objects(resource, "metadata", "managedFields")
        if not entry.get("subresource") and "f:status" in mapping(entry, "fieldsV1", "f:spec")
    ]
    # An entry need not name its manager: then nobody knows.
    return max(writers)[1] or None if writers else None


def disowned(resource: Document) -> bool:
    """Return whether part of the status belongs to others than those who report it, or to nobody.

    Where no writer of anything is known, nothing is wrong yet: the next apply makes it known.
    """
    entries = _entries(resource)
    if not entries:
        return False
    if any(STATUS in _fields(entry) for entry in entries if _reporter(entry) is None):
        return True
    owned = {path for entry in entries if _reporter(entry) for path in _paths(_own(entry))}
    return not owned.issuperset(_paths(_as_fields(resource)))


def put_right(resource: Document) -> list[dict[str, Any]]:
    """List the owners as they should be: the status is its reporters', all else stays as it is."""
    reporters = [entry for entry in _entries(resource) if _reporter(entry) is not None]
    others = [entry for entry in _entries(resource) if _reporter(entry) is None]
    kept = [{**entry, "fieldsV1": _without_status(entry)} for entry in others]
    made = [_entry(manager, _share(manager, resource, reporters)) for manager in MANAGERS]
    return [entry for entry in (*kept, *made) if entry["fieldsV1"]]


def _entries(resource: Document) -> list[Document]:
    return objects(resource, "metadata", "managedFields")


def _fields(entry: Document) -> Document:
    return mapping(entry, "fieldsV1")


def _own(entry: Document) -> Document:
    return mapping(entry, "fieldsV1", STATUS)


def _reporter(entry: Document) -> str | None:
    """Name the reporter whose entry this is, None if it is another one's."""
    who = (manager, operation) = (text(entry, "manager"), text(entry, "operation"))
    ours = OPERATIONS.get(manager) == operation or who == APPLIED_BEFORE
    return manager if ours and entry.get("subresource") == SUBRESOURCE else None


def _without_status(entry: Document) -> dict[str, Any]:
    return {key: value for key, value in _fields(entry).items() if key != STATUS}


def _entry(manager: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": OPERATIONS[manager],
        "subresource": SUBRESOURCE,
        "apiVersion": API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": {STATUS: fields} if fields else {},
    }


def _share(manager: str, resource: Document, reporters: list[Document]) -> dict[str, Any]:
    """Pick the fields of the status that are this manager's, conditions by type.

    What this version does not know is its owner's if that is a reporter, else the operator's,
    which does not say it and so removes it.
    """
    known = {f"f:{name}": owner for name, owner in FIELD_OWNER.items()}
    types = {_key(kind): owner for kind, owner in CONDITION_OWNER.items()}
    owners = {path: entry["manager"] for entry in reporters for path in _paths(_own(entry))}
    fields = _as_fields(resource)
    conditions = fields.pop(CONDITIONS, {})

    def is_owner(path: str) -> bool:
        owner = known.get(path) or types.get(path) or owners.get(path, OPERATOR_FIELD_MANAGER)
        return owner == manager

    mine = {path: value for path, value in fields.items() if is_owner(path)}
    listed = {path: value for path, value in conditions.items() if is_owner(path)}
    return {**mine, CONDITIONS: listed} if listed else mine


def _as_fields(resource: Document) -> dict[str, Any]:
    """Write the fields of the status as the API server writes a set of fields."""
    status = {k: v for k, v in mapping(resource, "status").items() if k != "conditions"}
    listed = objects(resource, "status", "conditions")
    conditions = {_key(item.get("type")): {".": {}, **_nested(item)} for item in listed}
    return _nested(status) | ({CONDITIONS: conditions} if conditions else {})


def _nested(value: object) -> dict[str, Any]:
    return {f"f:{name}": _nested(inner) for name, inner in mapping(value).items()}


def _key(kind: object) -> str:
    """Write a condition's key in the list as the API server does."""
    key = json.dumps({"type": kind}, separators=(",", ":"), ensure_ascii=False)
    return f"k:{key}"


def _paths(fields: Document) -> Iterator[str]:
    """List the fields of the status, and its conditions."""
    yield from (path for path in fields if path not in {CONDITIONS, "."})
    yield from (path for path in mapping(fields, CONDITIONS) if path != ".")
