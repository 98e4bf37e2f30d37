"""What is not understood: every time counted, once logged."""

import pytest

from symbol_trader.binance.surprises import DETAILS_MAX, Surprise, Surprises


def test_each_is_counted_and_the_first_of_a_detail_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    surprises = Surprises()
    for number in range(3):
        surprises.note(Surprise.UNKNOWN_CODE, "-9999", f"message {number}")
    surprises.note(Surprise.UNKNOWN_CODE, "-9998")

    assert surprises.counts == dict.fromkeys(Surprise, 0) | {Surprise.UNKNOWN_CODE: 4}
    assert [record.getMessage() for record in caplog.records] == [
        "from the exchange, not understood: unknown_code: -9999: message 0",
        "from the exchange, not understood: unknown_code: -9998",
    ]


def test_the_log_is_not_flooded(caplog: pytest.LogCaptureFixture) -> None:
    surprises = Surprises()
    for number in range(DETAILS_MAX + 50):
        surprises.note(Surprise.UNREADABLE, f"detail {number}", "x" * 10_000)

    assert surprises.counts[Surprise.UNREADABLE] == DETAILS_MAX + 50
    assert len(caplog.records) == DETAILS_MAX
    assert max(len(record.getMessage()) for record in caplog.records) < 300
