"""From a TradingSymbol to the core's settings, and from a report to the status. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from symbol_trader.core.limits import AccountLimit
from symbol_trader.core.money import plain
from symbol_trader.core.settings import AtDeadline, Settings, TradingStatus, UnfilledBuys
from symbol_trader.desired import Desired
from symbol_trader.report import Report
from tradingsymbol_api.conditions import ConditionType, Finding, LeaderReason, conditions_of
from tradingsymbol_api.limit import TradingLimit
from tradingsymbol_api.names import LEADER_FIELD_MANAGER
from tradingsymbol_api.spec import TradingSymbol, finishes_first
from tradingsymbol_api.status import (
    LeaderReport,
    LedgerStatus,
    Target,
    lasting_status,
    status_document,
)
from tradingsymbol_api.values import DeletionPolicy

AT_ONCE_MS = 1
"""The shortest deadline."""


def desired_of(resource: TradingSymbol) -> Desired:
    """Translate what a resource asks for."""
    spec = resource.spec
    settings = Settings(
        status=TradingStatus(spec.status.value),
        budget=spec.budget,
        chunks=spec.chunks,
        buy_down=spec.buy_down_interval,
        profit=spec.profit_interval,
        rebuy=spec.rebuy_interval,
        max_buy_age_ms=_milliseconds(spec.max_buy_age),
        unfilled_buys=UnfilledBuys(spec.shutdown.unfilled_buys.value),
        deadline_ms=_milliseconds(spec.shutdown.deadline),
        at_deadline=AtDeadline(spec.shutdown.at_deadline.value),
    )
    metadata = resource.metadata
    return Desired(
        resource.symbol,
        settings,
        metadata.generation,
        revision=_revision(metadata.uid, metadata.generation),
        follows=_revision(metadata.uid, metadata.generation - 1),
    )


def limit_of(limit: TradingLimit) -> AccountLimit:
    """Translate a declared limit; whose cluster it is in, the resource does not say."""
    spec, metadata = limit.spec, limit.metadata
    return AccountLimit(
        metadata.uid,
        metadata.generation,
        "",
        metadata.namespace,
        metadata.name,
        quote_asset=spec.quote_asset,
        halt=spec.halt,
        max_exposure=spec.max_exposure,
        max_daily_loss=spec.max_daily_loss,
        max_drawdown=spec.drawdown_amount,
        max_open_cycles=spec.max_open_cycles,
        max_orders_per_minute=spec.max_orders_per_minute,
        cooldown_ms=_milliseconds(spec.cooldown),
        on_limit=spec.on_limit.value,
        resume=spec.resume.value,
        resumed_at=spec.resumed_at.isoformat() if spec.resumed_at else None,
    )


def _revision(uid: str, generation: int) -> str:
    """Name a state of the spec: the API server counts its changes one by one, for each object."""
    return f"{uid}/{generation}"


def deleted(desired: Desired, metadata: Mapping[str, Any], policy: DeletionPolicy) -> Desired:
    """Translate what a resource with this metadata asks for once it is deleted.

    To drain is to shut down. To cancel the orders is a shutdown that is overdue from the start:
    what rests is canceled, what is in hand is recorded as held.
    """
    settings = desired.settings
    if not finishes_first(metadata, policy):
        return replace(desired, settings=replace(settings, status=TradingStatus.OFF))
    settings = replace(settings, status=TradingStatus.SHUTDOWN)
    if policy is DeletionPolicy.DRAIN:
        return replace(desired, settings=settings)
    settings = replace(
        settings,
        unfilled_buys=UnfilledBuys.CANCEL,
        deadline_ms=AT_ONCE_MS,
        at_deadline=AtDeadline.HOLD,
    )
    return replace(desired, settings=settings, cancels_first=True)


def status_of(
    report: Report, target: Target, now: datetime, status: Mapping[str, Any]
) -> dict[str, Any]:
    """Build the leader's part of the status; `status` is the present one."""
    part = _part(report, status)
    said = findings(report, part)
    conditions = conditions_of(
        LEADER_FIELD_MANAGER, said, generation=report.generation, now=now, status=status
    )
    return status_document(target, part, conditions)


def _part(report: Report, status: Mapping[str, Any]) -> LeaderReport:
    """Return the leader's fields; before it has read the record, the ledger that is known."""
    if not report.loaded:
        return LeaderReport(epoch=report.epoch, **lasting_status(status).model_dump())
    return LeaderReport(
        traders=report.traders,
        open_orders=report.open_orders,
        orders_in_doubt=report.orders_in_doubt,
        profit=plain(report.profit),
        quote_asset=report.quote_asset,
        unvalued_fees={asset: plain(fee) for asset, fee in report.unvalued_fees} or None,
        epoch=report.epoch,
    )


def findings(report: Report, ledger: LedgerStatus) -> tuple[Finding, ...]:
    """Return what the leader's three conditions have to say."""
    return _trading(report, ledger), _shutting_down(report), _degraded(report)


def _trading(report: Report, ledger: LedgerStatus) -> Finding:
    reason = LeaderReason.TRADING if report.trading else LeaderReason.NOT_TRADING
    message = f"profit {ledger.lacks}" if ledger.lacks else ""
    return Finding(ConditionType.TRADING, report.trading, reason, message)


def _shutting_down(report: Report) -> Finding:
    if not report.draining:
        return Finding(ConditionType.SHUTTING_DOWN, False, LeaderReason.NO_SHUTDOWN)
    waits = "; ".join(map(str, report.waits_for))
    message = f"waits for {waits}" if waits else "waits for no order"
    return Finding(ConditionType.SHUTTING_DOWN, True, LeaderReason.SHUTDOWN_REQUESTED, message)


def _degraded(report: Report) -> Finding:
    if not report.problems:
        return Finding(ConditionType.DEGRADED, False, LeaderReason.AS_EXPECTED)
    first = report.problems[0].reason
    message = "; ".join(problem.message for problem in report.problems)
    return Finding(ConditionType.DEGRADED, True, first, message)


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration.total_seconds() * 1000)
