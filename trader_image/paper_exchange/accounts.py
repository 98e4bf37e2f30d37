"""Who may trade: accounts with their keys and initial balances, as they are configured."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from paper_exchange.core.engine import Grant
from paper_exchange.core.errors import ConfigError
from paper_exchange.core.money import ASSET_DECIMALS, ZERO, decimals

UID_BITS = 53
"""A uid must survive JSON readers that keep numbers as doubles."""

PERMISSIONS: Mapping[str, bool] = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": True,
    "enablePortfolioMarginTrading": False,
}
"""What `apiRestrictions` says of a key that may trade and nothing else."""

_LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: HMAC by its secret, or Ed25519 by its public key."""

    api_key: str
    secret: str = ""
    public: Ed25519PublicKey | None = None


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """An account: several key pairs may belong to it."""

    name: str
    keys: tuple[Key, ...]
    balances: tuple[tuple[str, Decimal], ...]
    bnb_fees: bool | None = None
    """Whether it pays its commission in BNB; None: as everyone."""
    trade_group: int | None = None
    """The group of accounts within which self-trade prevention works; None: it is alone."""
    permissions: Mapping[str, bool] = field(default_factory=dict)
    """Where those of its keys differ from `PERMISSIONS`."""

    def grants(self, traded: Iterable[str]) -> list[Grant]:
        """Return the initial balances as the engine takes them: zero of other traded assets."""
        amounts = dict.fromkeys(traded, ZERO) | dict(self.balances)
        return [Grant(self.name, asset, amount) for asset, amount in amounts.items()]


def uid(instance: str, account: str) -> int:
    """Return the account's number at this instance: a reset exchange shows another one."""
    digest = blake2b(f"{instance}\x1f{account}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - UID_BITS)


def parse_balances(text: str) -> tuple[tuple[str, Decimal], ...]:
    """Read `USDT=1000,BTC=0.5`; raise `ConfigError`."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return tuple((asset.strip(), amount_of(asset, amount)) for asset, _, amount in pairs)


def parse_prices(text: str) -> dict[str, Decimal]:
    """Read what one BNB costs, `600` (in USDT) or `USDT=600,BTC=0.006`; raise `ConfigError`."""
    pairs = parse_balances(text if "=" in text or not text else f"USDT={text}")
    if any(not price for _, price in pairs):
        raise ConfigError(f"a price of BNB must be more than 0: {text!r}")
    return dict(pairs)


def amount_of(asset: str, text: str) -> Decimal:
    """Read a balance; raise `ConfigError` unless it is a plain non-negative number."""
    try:
        amount = Decimal(text)
    except InvalidOperation as exc:
        raise ConfigError(f"balance of {asset!r} is not a number: {text!r}") from exc
    if not asset or not 0 <= amount < _LARGEST or decimals(amount) > ASSET_DECIMALS:
        raise ConfigError(f"balance of {asset!r} must be between 0 and 1e15: {text!r}")
    return amount


def read_accounts(path: Path) -> tuple[AccountConfig, ...]:
    """Read an accounts file; raise `ConfigError` with what is wrong in it.

    [{"name": "alice", "keys": [{"apiKey": "…", "secret": "…"}], "balances": {"USDT": "1000"}}]

    "bnbFees": true or false says for an account whether it pays commission in BNB;
    "tradeGroupId": a number that it shares with accounts that it must not trade with.
    A key has a "publicKey" (Ed25519, PEM) or a "secret" (HMAC); "permissions" are those of
    `PERMISSIONS` in which its keys differ.
    """
    try:
        return tuple(map(_account, json.loads(path.read_text())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ConfigError(f"{path}: not an accounts file: {exc!r}") from exc


def check_accounts(accounts: Iterable[AccountConfig]) -> None:
    """Raise `ConfigError` if a name or an API key stands for two accounts."""
    names = [account.name for account in accounts]
    keys = [key.api_key for account in accounts for key in account.keys]
    for what, values in (("account name", names), ("API key", keys)):
        double = {value for value in values if values.count(value) > 1}
        if double:
            raise ConfigError(f"{what} given twice: {', '.join(sorted(double))}")


def _account(values: dict[str, Any]) -> AccountConfig:
    keys = tuple(map(_key, values["keys"]))
    balances = values["balances"].items()
    return AccountConfig(
        name=str(values.get("name", keys[0].api_key)),
        keys=keys,
        balances=tuple((asset, amount_of(asset, str(amount))) for asset, amount in balances),
        bnb_fees=_bnb_fees(values.get("bnbFees")),
        trade_group=_trade_group(values.get("tradeGroupId")),
        permissions=permissions_of(values.get("permissions", {})),
    )


def _key(values: dict[str, Any]) -> Key:
    name = str(values["apiKey"])
    if "publicKey" not in values:
        return Key(name, str(values["secret"]))
    if "secret" in values:
        raise ValueError(f"key {name!r} has a secret and a publicKey: it is of one kind alone")
    return Key(name, public=public_key(str(values["publicKey"])))


def public_key(pem: str) -> Ed25519PublicKey:
    """Read the public half of an Ed25519 key; raise `ConfigError` for any other."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ConfigError("publicKey is no PEM file of a public key") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("publicKey is of another kind than Ed25519")
    return key


def permissions_of(changes: Mapping[str, object]) -> dict[str, bool]:
    """Read permissions of keys; raise `ConfigError` for one that does not exist."""
    for name, value in changes.items():
        if name not in PERMISSIONS or not isinstance(value, bool):
            known = ", ".join(PERMISSIONS)
            raise ConfigError(f"{name!r}: {value!r} is no permission; true or false: {known}")
    return {name: value is True for name, value in changes.items()}


def _bnb_fees(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"bnbFees must be true or false: {value!r}")
    return value


def _trade_group(value: object) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise TypeError(f"tradeGroupId must be a number from 0: {value!r}")
    return value
