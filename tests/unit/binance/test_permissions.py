"""A key that could take the money away does not trade, and the refusal says what to change."""

from typing import Any

import pytest

from symbol_trader.binance.fields import Fields, PayloadError
from symbol_trader.binance.permissions import FORBIDDEN, key_permissions, refusal

HARMLESS = {
    "ipRestrict": True,
    "createTime": 1_623_840_271_000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
    "enableSpotAndMarginTrading": True,
}


def said(values: dict[str, Any]) -> Fields:
    return Fields(values, "apiRestrictions")


def refused(*, allow_unrestricted: bool = False, **changes: bool) -> str | None:
    key = key_permissions(said(HARMLESS | changes))
    return refusal(key, allow_unrestricted=allow_unrestricted)


def test_a_key_that_trades_and_nothing_else_is_taken() -> None:
    assert refused() is None
    assert refused(allow_unrestricted=True) is None


@pytest.mark.parametrize("permission", FORBIDDEN)
def test_a_key_that_moves_money_is_refused_by_the_permission_s_name(permission: str) -> None:
    why = refused(allow_unrestricted=True, **{permission: True})
    assert why
    assert f"{permission} is on" in why
    assert not any(other in why for other in HARMLESS if other != permission)


def test_a_key_for_every_address_needs_leave() -> None:
    why = refused(ipRestrict=False)
    assert why
    assert "ipRestrict is off" in why
    assert "allowUnrestrictedKey" in why
    assert refused(ipRestrict=False, allow_unrestricted=True) is None


def test_a_key_that_may_not_trade_names_the_box_to_tick() -> None:
    why = refused(enableSpotAndMarginTrading=False)
    assert why
    assert 'tick "Enable Spot & Margin Trading"' in why


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = dict.fromkeys(FORBIDDEN, True)
    why = refused(**wrong, ipRestrict=False, enableSpotAndMarginTrading=False)
    assert why
    assert all(name in why for name in (*wrong, "ipRestrict", "enableSpotAndMarginTrading"))


@pytest.mark.parametrize("name", [*FORBIDDEN, "ipRestrict", "enableSpotAndMarginTrading"])
@pytest.mark.parametrize("value", [None, "false", 0])
def test_what_the_exchange_does_not_say_is_not_taken_for_harmless(name: str, value: Any) -> None:
    with pytest.raises(PayloadError, match=name):
        key_permissions(said(HARMLESS | {name: value}))
    with pytest.raises(PayloadError, match=name):
        key_permissions(said({k: v for k, v in HARMLESS.items() if k != name}))
