"""From what is to be said of a TradingLimit to its status. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from symbol_trader.core.limits import LimitInForce, LimitReport, LimitUsed
from symbol_trader.core.money import plain
from tradingsymbol_api.conditions import conditions_by_type
from tradingsymbol_api.limit import (
    LimitCondition,
    LimitConditionType,
    LimitReason,
    LimitUsage,
    TradingLimitStatus,
)
from tradingsymbol_api.names import API_VERSION, LIMIT_KIND
from tradingsymbol_api.reading import text


@dataclass(frozen=True, slots=True)
class _Said:
    type: LimitConditionType
    status: bool
    reason: LimitReason
    message: str = ""


def limit_document(
    report: LimitReport, now: datetime, present: Mapping[str, Any]
) -> dict[str, Any]:
    """Build the document to apply; `present` is the resource's status as it was seen last."""
    before = conditions_by_type(present)
    generation = report.in_force.generation
    status = TradingLimitStatus(
        observed_generation=generation,
        environment=report.environment,
        account=report.account,
        leaders=report.leaders,
        leaders_heard=report.leaders_heard,
        usage=tuple(map(_usage, report.usage)),
        conditions=tuple(
            _condition(said, generation, now, before.get(said.type, {})) for said in _said(report)
        ),
    )
    said = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**limit_identity(report.in_force), "status": said}


def limit_identity(limit: LimitInForce) -> dict[str, Any]:
    """Return what says which resource a limit is."""
    return {
        "apiVersion": API_VERSION,
        "kind": LIMIT_KIND,
        "metadata": {"namespace": limit.namespace, "name": limit.name, "uid": limit.uid},
    }


def _usage(used: LimitUsed) -> LimitUsage:
    return LimitUsage(
        limit=used.limit,
        quote_asset=used.quote_asset,
        used=plain(used.used),
        left=plain(used.left),
        most=plain(used.most),
        reached_since=used.reached_since,
    )


def _said(report: LimitReport) -> Iterator[_Said]:
    """Yield what each condition says."""
    halts = "; ".join(map(str, report.halts))
    reason = LimitReason.HALTED if halts else LimitReason.NOT_HALTED
    yield _Said(LimitConditionType.HALTED, bool(halts), reason, halts)
    reached = ", ".join(
        f"{used.limit} {used.quote_asset}".strip()
        for used in report.usage
        if not used.left or used.reached_since
    )
    reason = LimitReason.REACHED if reached else LimitReason.ROOM_LEFT
    yield _Said(LimitConditionType.REACHED, bool(reached), reason, reached)
    others = ", ".join(report.others)
    reason = LimitReason.SEVERAL if others else LimitReason.ALONE
    why = f"of each field the stricter counts; for the same account: {others}" if others else ""
    yield _Said(LimitConditionType.OVERLAPS, bool(others), reason, why)


def _condition(
    said: _Said, generation: int, now: datetime, before: Mapping[str, Any]
) -> LimitCondition:
    changed = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    status = str(said.status)
    if text(before, "status") == status:
        changed = text(before, "lastTransitionTime") or changed
    return LimitCondition.model_validate(
        {
            "type": said.type.value,
            "status": status,
            "observedGeneration": generation,
            "lastTransitionTime": changed,
            "reason": said.reason.value,
            "message": said.message,
        }
    )
