"""TradingSymbols as the API server shows them."""

from typing import Any

Document = dict[str, Any]


def document(name: str = "xrpusdt", status: object = "on", **conditions: str) -> Document:
    """Make a resource whose operator and leader say this: `Ready="False NotReady: why"`."""
    said = [_condition(kind, text) for kind, text in conditions.items()]
    return {
        "metadata": {
            "namespace": "trading",
            "name": name,
            "resourceVersion": "7",
            "generation": 3,
            "creationTimestamp": "2026-01-01T12:00:00Z",
        },
        "spec": {"status": status, "budget": 100},
        "status": {
            "observedGeneration": 3,
            "traders": 2,
            "openOrders": 1,
            "profit": "0.25",
            "quoteAsset": "USDT",
            "conditions": said,
        },
    }


def _condition(kind: str, text: str) -> dict[str, str]:
    status, reason = text.split(" ", 1)
    reason, _, message = reason.partition(": ")
    return {"type": kind, "status": status, "reason": reason, "message": message}
