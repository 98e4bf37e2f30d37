"""What a live key may do, and whether it may trade for us. Pure.

Source: Binance Wallet API, "Get API Key Permission", `GET /sapi/v1/account/apiRestrictions`.
"""

from dataclasses import dataclass
from typing import Final

from symbol_trader.binance.fields import Fields

FORBIDDEN: Final = {
    "enableWithdrawals": "it can withdraw",
    "enableInternalTransfer": "it can transfer to other accounts",
    "permitsUniversalTransfer": "it can transfer to other wallets",
}
"""Permissions of a key that never trades, for whoever gets hold of it could take the money away."""


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    """What the exchange says of a key, as far as it matters here."""

    forbidden: tuple[str, ...]
    """Those of `FORBIDDEN` that it has."""
    restricted: bool
    """It works from certain addresses alone."""
    trades_spot: bool


def key_permissions(answer: Fields) -> KeyPermissions:
    """Read the answer. Raises `PayloadError`: what is not said is not taken for harmless."""
    return KeyPermissions(
        forbidden=tuple(name for name in FORBIDDEN if answer.flag(name)),
        restricted=answer.flag("ipRestrict"),
        trades_spot=answer.flag("enableSpotAndMarginTrading"),
    )


def refusal(key: KeyPermissions, *, allow_unrestricted: bool) -> str | None:
    """Return why a key must not trade, with all remedies at once; None if it may."""
    problems = [f"{name} is on: {FORBIDDEN[name]}; switch it off" for name in key.forbidden]
    if not key.restricted and not allow_unrestricted:
        problems.append(
            "ipRestrict is off: it works from every address; restrict it to those of this "
            "machine, or say allowUnrestrictedKey (--allow-unrestricted-key)"
        )
    if not key.trades_spot:
        problems.append(
            'enableSpotAndMarginTrading is off: tick "Enable Spot & Margin Trading" for it'
        )
    if not problems:
        return None
    return f"the key is not used before its settings at Binance are changed: {'; '.join(problems)}"
