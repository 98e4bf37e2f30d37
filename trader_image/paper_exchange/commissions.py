"""What single accounts or symbols pay, configured in the shape of `account.commission`."""

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from paper_exchange.core.errors import ConfigError
from paper_exchange.core.fees import Commission, CommissionKey, FeeRates
from paper_exchange.core.filter_types import number

PARTS = {
    "standardCommission": "standard",
    "specialCommission": "special",
    "taxCommission": "tax",
}
"""The parts of a commission by their JSON names."""
RATES = tuple(field.name for field in fields(FeeRates))


def read_commissions(path: Path) -> dict[CommissionKey, Commission]:
    """Read a file of commissions; raise `ConfigError` with what is wrong in it.

    [{"account": "alice", "symbol": "XRPUSDT", "standardCommission": {"maker": "0", "taker": "0"}}]

    Without an account, or without a symbol, it is for all of them.  What is not given is nothing.
    """
    try:
        rows = json.loads(path.read_text())
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path}: not a file of commissions: {exc}") from exc
    if not isinstance(rows, list):
        raise ConfigError(f"{path}: a list of commissions is expected")
    try:
        return dict(map(_row, rows))
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def commission_of(values: dict[str, Any]) -> Commission:
    """Read the parts of a commission; raise `ConfigError`."""
    unknown = sorted(set(values) - set(PARTS))
    if unknown:
        raise ConfigError(f"unknown {', '.join(unknown)}; known: {', '.join(PARTS)}")
    rates = {PARTS[name]: _rates(name, part) for name, part in values.items()}
    commission = replace(Commission(FeeRates()), **rates)
    if commission.highest >= 1:
        raise ConfigError("a commission must be less than 1 in all (0.001 is 0.1 %)")
    return commission


def check_known(
    commissions: Iterable[CommissionKey], accounts: Iterable[str], symbols: Iterable[str]
) -> None:
    """Raise `ConfigError` for a commission of an account or a symbol that is not there."""
    for what, given, known in (
        ("account", (account for account, _ in commissions), tuple(accounts)),
        ("symbol", (symbol for _, symbol in commissions), tuple(symbols)),
    ):
        unknown = sorted({name for name in given if name is not None} - set(known))
        if unknown:
            raise ConfigError(
                f"commission of an unknown {what}: {', '.join(unknown)}; known: {', '.join(known)}"
            )


def _row(values: object) -> tuple[CommissionKey, Commission]:
    if not isinstance(values, dict):
        raise ConfigError(f"a commission must be an object: {values!r}")
    parts = {name: part for name, part in values.items() if name not in {"account", "symbol"}}
    return (_name(values, "account"), _name(values, "symbol")), commission_of(parts)


def _name(values: dict[str, Any], key: str) -> str | None:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{key} must be a name: {value!r}")
    return value


def _rates(name: str, values: object) -> FeeRates:
    if not isinstance(values, dict) or set(values) - set(RATES):
        raise ConfigError(f"{name} must be an object of {', '.join(RATES)}: {values!r}")
    return FeeRates(**{rate: number(value, f"{name}.{rate}") for rate, value in values.items()})
