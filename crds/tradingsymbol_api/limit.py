"""What a user declares of an account's limits, and what the programs report: the TradingLimit.

A limit is enforced by the record: the statement that commits a buy's intent checks it. Several
limits of one account hold together, so that of each field the stricter counts.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from tradingsymbol_api.conditions import Condition
from tradingsymbol_api.fields import (
    AssetField,
    BudgetField,
    CountField,
    DrawdownField,
    DurationField,
    ExchangeField,
    MomentField,
    OnLimitField,
    ResumeField,
    SwitchField,
)
from tradingsymbol_api.model import ApiModel, WholeNumber
from tradingsymbol_api.spec import (
    FieldError,
    InvalidResourceError,
    Metadata,
    immutable,
    parse_as,
)
from tradingsymbol_api.status import CONDITIONS_MAX, Amount, Asset, Name
from tradingsymbol_api.values import OnLimit, Resume

USAGE_MAX: Final = 64
"""Most rows of usage: five limits, in each of the quote assets that an account trades in."""
PERCENT_NEEDS_RULE: Final = (
    "is a percentage of maxExposure: give maxExposure, too, or an amount of quote currency"
)


def _unless_percent_has_exposure() -> JsonDict:
    return {
        "rule": (
            "!has(self.maxDrawdown) || has(self.maxExposure) || type(self.maxDrawdown) == int || "
            "!self.maxDrawdown.endsWith('%')"
        ),
        "message": f"maxDrawdown {PERCENT_NEEDS_RULE}",
        "fieldPath": ".maxDrawdown",
    }


class TradingLimitSpec(ApiModel):
    """How far all symbols of an account may go together. What is not given is not limited."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                immutable("exchange"),
                immutable("quoteAsset"),
                _unless_percent_has_exposure(),
            ],
        }
    )

    exchange: ExchangeField
    """Entry of the operator's exchange list: the limit holds for the account of its key. Cannot be
    changed."""

    quote_asset: AssetField | None = None
    """The limit holds for the symbols that are quoted in this asset: USDT. Default: for all, and
    each quote asset has the amounts to itself. Cannot be changed."""

    halt: SwitchField = False
    """The kill switch. true: nothing buys, until somebody sets it to false."""

    max_exposure: BudgetField | None = None
    """Quote currency that open buys and unfinished cycles of all symbols may take together."""

    max_daily_loss: BudgetField | None = None
    """How far the result may fall in a day (UTC), in quote currency, fees included."""

    max_drawdown: DrawdownField | None = None
    """How far the result may fall below its highest so far: an amount of quote currency, or a
    percentage of maxExposure (10%)."""

    max_open_cycles: CountField | None = None
    """Most cycles, of all symbols together, that are buying or hold what they bought."""

    max_orders_per_minute: CountField | None = None
    """Most orders within a minute. Sells count, and are never refused."""

    cooldown: DurationField | None = None
    """After a cycle that ended at a loss, its symbol buys nothing for so long: 30m."""

    on_limit: OnLimitField = OnLimit.NO_BUYS
    """Once halted, or at a loss limit: NoBuys lets open buys rest, CancelBuys cancels them,
    Shutdown also finishes what is open. Nothing is ever sold at the market."""

    resume: ResumeField = Resume.MANUAL
    """What ends the halt that a daily loss leads to: a person (Manual), or the turn of the day in
    UTC (NextDay)."""

    resumed_at: MomentField | None = None
    """When a person last let the account go on: a later time than before ends the halts that losses
    led to, and losses count from then on. `kubectl trading resume` writes it."""

    @property
    def drawdown_amount(self) -> Decimal | None:
        """The drawdown in quote currency; None where it is not limited."""
        return self.max_drawdown.of(self.max_exposure) if self.max_drawdown else None


class TradingLimit(ApiModel):
    """A TradingLimit as far as its reader decides by it: without status."""

    api_version: Literal["tradingsymbol.dev/v1alpha1"]
    kind: Literal["TradingLimit"]
    metadata: Metadata
    spec: TradingLimitSpec


class LimitUsage(ApiModel):
    """How much of one limit is used, in one quote asset where it is an amount."""

    limit: Name
    """The field of the spec: maxExposure."""

    quote_asset: Asset = ""
    """The quote asset; empty where it is a number."""

    used: Amount
    """What is used of it."""

    left: Amount
    """What is left, 0 where it is reached."""

    most: Amount
    """What it allows."""

    reached_since: (
        Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 63})]
        | None
    ) = None
    """Since when it is reached, while it is."""


class LimitConditionType(StrEnum):
    """All conditions of a TradingLimit."""

    HALTED = "Halted"
    """Nothing buys on the account."""
    REACHED = "Reached"
    """Nothing is left of one of the limits."""
    OVERLAPS = "Overlaps"
    """Another TradingLimit holds for the same account."""


class LimitReason(StrEnum):
    """Reasons of these conditions."""

    HALTED = "Halted"
    NOT_HALTED = "NotHalted"
    REACHED = "Reached"
    ROOM_LEFT = "RoomLeft"
    SEVERAL = "Several"
    ALONE = "Alone"


class LimitCondition(Condition):
    """One aspect of the limit's state, as in Kubernetes' metav1.Condition."""

    type: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 63})]
    """Its kind: Halted, Reached, Overlaps."""


class TradingLimitStatus(ApiModel):
    """What the leaders of the account report."""

    observed_generation: WholeNumber | None = None
    """Generation of the resource that is in force."""

    environment: Name | None = None
    """Whose money is limited: paper, demo, testnet, or live, which is real money."""

    account: Name | None = None
    """The account that it holds for, as the exchange names it."""

    leaders: WholeNumber | None = None
    """Leaders that trade on the account now."""

    leaders_heard: WholeNumber | None = None
    """Those of them that act on this generation. The others buy nothing past it either."""

    usage: Annotated[
        tuple[LimitUsage, ...],
        Field(
            json_schema_extra={
                "maxItems": USAGE_MAX,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["limit", "quoteAsset"],
            }
        ),
    ] = ()
    """What is used and left of each limit."""

    conditions: Annotated[
        tuple[LimitCondition, ...],
        Field(
            json_schema_extra={
                "maxItems": CONDITIONS_MAX,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            }
        ),
    ] = ()
    """The state in several aspects."""


def parse_limit(document: object, *, refuse_unknown: bool = False) -> TradingLimit:
    """Read a TradingLimit from an object of the API server or a parsed YAML document.

    With `refuse_unknown` a field that the resource does not have is a problem: a person
    misspelt it.

    Raises:
        InvalidResourceError: with every field that is missing, misspelt or out of bounds.

    """
    limit = parse_as(TradingLimit, document, refuse_unknown=refuse_unknown)
    spec = limit.spec
    if spec.max_drawdown and spec.drawdown_amount is None:
        raise InvalidResourceError((FieldError("spec.maxDrawdown", PERCENT_NEEDS_RULE),))
    return limit
