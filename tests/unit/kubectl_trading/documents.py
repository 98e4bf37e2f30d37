"""TradingSymbols and TradingLimits as the API server shows them."""

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


def limit(
    name: str = "all",
    namespace: str = "trading",
    *,
    halted: str = "",
    lost_since: str = "",
    generation: int = 1,
    **spec: object,
) -> Document:
    """Make a limit as a leader reports it: why it is halted, since when a loss halts it."""
    amount = {"limit": "maxExposure", "quoteAsset": "USDT", "used": "1", "left": "9", "most": "10"}
    if lost_since:
        amount |= {"limit": "maxDailyLoss", "reachedSince": lost_since}
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "generation": generation,
            "resourceVersion": "7",
            "creationTimestamp": "2026-01-01T12:00:00Z",
        },
        "spec": {"exchange": "paper", **spec},
        "status": {
            "observedGeneration": 1,
            "environment": "paper",
            "account": "7",
            "leaders": 2,
            "leadersHeard": 1,
            "usage": [amount],
            "conditions": [{"type": "Halted", "status": str(bool(halted)), "message": halted}],
        },
    }
