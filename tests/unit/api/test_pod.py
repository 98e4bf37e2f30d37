"""What operator and leader agree on, and what each of them makes of it."""

from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.core.timing import Timing
from tradingsymbol_api.pod import (
    EXCHANGE_MARGIN_MS,
    EXCHANGE_TIMEOUT_MS,
    RECV_WINDOW_MS,
    Variable,
    grace_seconds,
)


def test_a_variable_is_spelt_in_one_way_for_people_and_in_one_for_pods() -> None:
    assert Variable.POD_UID.env == "SYMBOL_TRADER_POD_UID"
    assert Variable.POD_UID.flag == "--pod-uid"


def test_the_leader_keeps_the_same_times_where_nobody_configures_others() -> None:
    """Its core and its client know no contract."""
    timing = Timing()
    settings = BinanceSettings("wss://a", "wss://b", "XRPUSDT")

    assert timing.recv_window_ms == RECV_WINDOW_MS
    assert timing.exchange_timeout_ms == EXCHANGE_TIMEOUT_MS
    assert timing.margin_ms == EXCHANGE_MARGIN_MS
    assert settings.request_timeout_s * 1000 == EXCHANGE_TIMEOUT_MS


def test_a_leader_has_twenty_seconds_to_end() -> None:
    assert grace_seconds() == 20
