"""Who wrote a field of a resource's spec last, by its field managers. Pure."""

from kubectl_trading.events import clock
from tradingsymbol_api.reading import Document, holds, objects, parse_time, text


def last_writer(document: Document, field: str) -> str:
    """Return who wrote a field of the spec last and when, to end a sentence; empty if unknown."""
    written = [
        (moment, text(entry, "manager"))
        for entry in objects(document, "metadata", "managedFields")
        if holds(entry, "fieldsV1", "f:spec", f"f:{field}")
        and (moment := parse_time(text(entry, "time")))
    ]
    if not written:
        return ""
    moment, manager = max(written)
    return f", as {manager} wrote at {clock(moment)}"
