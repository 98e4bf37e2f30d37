"""A TradingLimit as a person looks at it, and what halting and resuming write. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kubectl_trading.table import NOTHING, layout
from tradingsymbol_api.limit import LimitConditionType
from tradingsymbol_api.reading import Document, mapping, number, objects, parse_time, text

LIMITS_HEADER: Final = ("NAME", "EXCHANGE", "HALTED", "HEARD", "LIMIT", "USED", "LEFT", "OF", "WHY")


@dataclass(frozen=True, slots=True)
class Used:
    """How much of one limit is used."""

    limit: str
    quote_asset: str
    used: str
    left: str
    most: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What the resource and its status say."""

    namespace: str
    name: str
    exchange: str
    resource_version: str
    asks_to_halt: bool
    """`spec.halt`."""
    resumed_at: datetime | None
    seen: bool
    """A leader has reported this generation."""
    halted: str
    """Why nothing buys, as leaders report; empty if buys go on."""
    leaders: int
    heard: int
    usage: tuple[Used, ...]

    @classmethod
    def of(cls, document: Document) -> "Limit":
        """Read an object of the API server."""
        metadata, spec = mapping(document, "metadata"), mapping(document, "spec")
        status = mapping(document, "status")
        return cls(
            namespace=text(metadata, "namespace"),
            name=text(metadata, "name"),
            exchange=text(spec, "exchange"),
            resource_version=text(metadata, "resourceVersion"),
            asks_to_halt=spec.get("halt") is True,
            resumed_at=parse_time(text(spec, "resumedAt")),
            seen=status.get("observedGeneration") == metadata.get("generation"),
            halted=_halted(status),
            leaders=number(status, "leaders"),
            heard=number(status, "leadersHeard"),
            usage=tuple(map(_used, objects(status, "usage"))),
        )

    @property
    def state(self) -> str:
        """Whether buys are halted, as asked and as reported."""
        if self.asks_to_halt or self.halted:
            return "yes" if self.halted and self.seen else "halting"
        return "no" if self.seen else NOTHING


def halting(on_limit: str | None) -> dict[str, Any]:
    """Return what to write into the spec to halt."""
    return {"halt": True, **({"onLimit": on_limit} if on_limit else {})}


def resuming(limit: Limit, now: datetime) -> dict[str, Any]:
    """Return what to write to go on: the moment is later than the one before, whatever the clock.

    It ends the halts that losses led to.
    """
    moment = now if limit.resumed_at is None else max(now, limit.resumed_at + timedelta(seconds=1))
    return {"halt": False, "resumedAt": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def limit_table(limits: Iterable[Limit], *, namespaces: bool) -> list[str]:
    """Lay limits out, a line for each of the amounts; with a column for namespaces if asked for."""
    rows: list[Sequence[str]] = [("NAMESPACE", *LIMITS_HEADER) if namespaces else LIMITS_HEADER]
    for limit in limits:
        rows += [(limit.namespace, *row) if namespaces else row for row in _rows(limit)]
    return layout(rows)


def _rows(limit: Limit) -> list[tuple[str, ...]]:
    about = (limit.name, limit.exchange, limit.state, f"{limit.heard}/{limit.leaders}")
    nothing = Used(NOTHING, "", NOTHING, NOTHING, NOTHING)
    return [
        (
            *about,
            f"{used.limit} {used.quote_asset}".strip(),
            used.used,
            used.left,
            used.most,
            limit.halted,
        )
        for used in limit.usage or (nothing,)
    ]


def _halted(status: Document) -> str:
    for condition in objects(status, "conditions"):
        is_it = text(condition, "type") == LimitConditionType.HALTED
        if is_it and text(condition, "status") == "True":
            return text(condition, "message")
    return ""


def _used(found: Document) -> Used:
    names = ("limit", "quoteAsset", "used", "left", "most")
    return Used(*(text(found, name) for name in names))
