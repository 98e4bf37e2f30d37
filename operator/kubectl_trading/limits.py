"""A TradingLimit as a person looks at it, and what halting and resuming write. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kubectl_trading.table import NOTHING
from tradingsymbol_api.limit import LimitConditionType
from tradingsymbol_api.reading import Document, mapping, number, objects, parse_time, text
from tradingsymbol_api.values import Resume


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one limit is used."""

    limit: str
    quote_asset: str
    used: str
    left: str
    most: str
    reached_since: str = ""
    """When a loss limit halted the account; empty if it has not."""

    @property
    def name(self) -> str:
        """The limit, with the quote asset of an amount."""
        return f"{self.limit} {self.quote_asset}".strip()

    @property
    def reached(self) -> bool:
        """Whether nothing is left of it."""
        return self.left == "0" or bool(self.reached_since)


@dataclass(frozen=True, slots=True)
class Limit:
    """What the resource and its status say."""

    namespace: str
    name: str
    exchange: str
    quote_asset: str
    """The only one that it holds for; empty if it holds for all."""
    environment: str
    account: str
    resource_version: str
    generation: int
    asks_to_halt: bool
    """`spec.halt`."""
    resumed_at: datetime | None
    seen: bool
    """A leader has reported this generation."""
    halted: str
    """Why nothing buys and since when, as leaders report; empty if buys go on."""
    reached_since: str
    """Since when one of the amounts has been reached; empty if none is."""
    next_day: bool
    """The turn of the day ends the halt of a daily loss."""
    leaders: int
    heard: int
    usage: tuple[Used, ...]
    document: Document = field(repr=False)
    """The object as the API server gave it."""

    @classmethod
    def of(cls, document: Document) -> "Limit":
        """Read an object of the API server."""
        metadata, spec = mapping(document, "metadata"), mapping(document, "spec")
        status = mapping(document, "status")
        return cls(
            namespace=text(metadata, "namespace"),
            name=text(metadata, "name"),
            exchange=text(spec, "exchange"),
            quote_asset=text(spec, "quoteAsset"),
            environment=text(status, "environment"),
            account=text(status, "account"),
            resource_version=text(metadata, "resourceVersion"),
            generation=number(metadata, "generation"),
            asks_to_halt=spec.get("halt") is True,
            resumed_at=parse_time(text(spec, "resumedAt")),
            seen=status.get("observedGeneration") == metadata.get("generation"),
            halted=text(_true(status, LimitConditionType.HALTED), "message"),
            reached_since=text(_true(status, LimitConditionType.REACHED), "lastTransitionTime"),
            next_day=text(spec, "resume") == Resume.NEXT_DAY,
            leaders=number(status, "leaders"),
            heard=number(status, "leadersHeard"),
            usage=tuple(map(_used, objects(status, "usage"))),
            document=document,
        )

    @property
    def state(self) -> str:
        """Whether buys are halted, as asked and as reported."""
        if self.asks_to_halt or self.halted:
            return "yes" if self.halted and self.seen else "halting"
        return "no" if self.seen else NOTHING

    @property
    def losses(self) -> list[str]:
        """Which loss limits halt the account."""
        return [used.limit for used in self.usage if used.reached_since]

    @property
    def halts(self) -> bool:
        """Whether it is this limit that halts the account, so that resuming it ends that."""
        return self.asks_to_halt or bool(self.losses)


def halt_left(limit: Limit) -> str:
    """Return what may halt buys after this limit is resumed, and how that ends; else nothing."""
    if limit.halts or not (limit.halted and limit.seen):
        return ""
    return (
        f"losses count from now, but what halts its account may stay: {limit.halted}. A halt of "
        "another TradingLimit ends when that one is resumed, and any other one by: "
        "symbol-trader resume "
        f"--exchange-environment={limit.environment} --account={limit.account}"
    )


def halting(on_limit: str | None) -> dict[str, Any]:
    """Return what to write into the spec to halt."""
    return {"halt": True, **({"onLimit": on_limit} if on_limit else {})}


def resuming(limit: Limit, now: datetime) -> dict[str, Any]:
    """Return what to write to go on: the moment is later than the one before, whatever the clock.

    It ends the halts that losses led to.
    """
    moment = now if limit.resumed_at is None else max(now, limit.resumed_at + timedelta(seconds=1))
    return {"halt": False, "resumedAt": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _true(status: Document, kind: LimitConditionType) -> Document:
    """Return a condition that is true, else an empty one."""
    found = (c for c in objects(status, "conditions") if text(c, "type") == kind)
    return next((c for c in found if text(c, "status") == "True"), {})


def _used(found: Document) -> Used:
    names = ("limit", "quoteAsset", "used", "left", "most", "reachedSince")
    return Used(*(text(found, name) for name in names))
