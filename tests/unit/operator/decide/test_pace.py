"""How often is reported: settled states at once, the others once they have lasted a moment."""

from datetime import timedelta

from symbol_operator.decide.pace import SPARED_AT_MOST, SPARED_SECONDS, Pace
from unit.operator.objects import NOW

LATER = NOW + timedelta(seconds=0.25)


def test_a_first_report_waits_for_nothing() -> None:
    assert Pace[str]().wait("ada", NOW, settled=False) == 0


def test_what_moves_on_by_itself_waits_and_what_is_settled_does_not() -> None:
    pace = Pace[str](quiet=0)
    pace.acted("ada", NOW)

    assert pace.wait("ada", LATER, settled=False) == 0.75
    assert pace.wait("ada", LATER, settled=True) == 0
    assert pace.wait("bnb", LATER, settled=False) == 0


def test_what_moves_on_by_itself_waits_longer_while_others_do() -> None:
    pace = Pace[int](quiet=0)
    for key in range(101):
        pace.acted(key, NOW)

    assert pace.wait(0, NOW, settled=False) == 1 + 100 * SPARED_SECONDS
    assert pace.wait(0, NOW, settled=True) == 0
    for key in range(1, 51):
        pace.reported(key, NOW)
    pace.forget(lambda key: key > 90)
    assert pace.wait(0, NOW, settled=False) == 1 + 40 * SPARED_SECONDS


def test_no_state_is_kept_from_being_reported_for_long() -> None:
    pace = Pace[int](quiet=0)
    for key in range(10_000):
        pace.acted(key, NOW)

    assert pace.wait(0, NOW, settled=False) == 1 + SPARED_AT_MOST
    assert pace.wait(0, NOW + timedelta(seconds=1 + SPARED_AT_MOST), settled=False) == 0


def test_what_needs_no_report_keeps_no_other_waiting_in_the_end() -> None:
    pace = Pace[int](quiet=0)
    for key in range(100):
        pace.acted(key, NOW)
    later = NOW + timedelta(seconds=SPARED_AT_MOST + 0.1)
    pace.acted(0, later)

    assert pace.wait(0, later, settled=False) == 1


def test_a_clock_that_was_set_back_spares_nothing() -> None:
    pace = Pace[int](quiet=0)
    for key in range(100):
        pace.acted(key, NOW + timedelta(days=1))
    pace.acted(0, NOW)

    assert pace.wait(0, NOW, settled=False) == 1


def test_one_report_a_second() -> None:
    pace = Pace[str](quiet=0)
    pace.reported("ada", NOW)

    assert pace.wait("ada", LATER, settled=True) == 0.75
    assert pace.wait("ada", NOW + timedelta(seconds=1), settled=True) == 0


def test_a_clock_that_was_set_back_delays_no_report_for_long() -> None:
    pace = Pace[str](quiet=0)
    pace.reported("ada", NOW + timedelta(days=1))

    assert pace.wait("ada", NOW, settled=True) == 1


def test_what_is_gone_is_forgotten() -> None:
    pace = Pace[str](quiet=0)
    pace.reported("ada", NOW)
    pace.acted("ada", NOW)
    pace.forget(lambda key: key == "ada")

    assert pace.wait("ada", NOW, settled=False) == 0


def test_reports_wait_until_nothing_is_done_about_any_symbol() -> None:
    pace = Pace[str](least=0, quiet=0.5)
    pace.acted("ada", NOW)

    assert pace.wait("bnb", LATER, settled=True) == 0.25
    pace.acted("ada", LATER)
    assert pace.wait("bnb", NOW + timedelta(seconds=0.5), settled=True) == 0.25
    assert pace.wait("bnb", NOW + timedelta(seconds=0.75), settled=True) == 0


def test_no_report_waits_for_others_for_long() -> None:
    pace = Pace[str](least=0, quiet=0.5, held=5)
    for tenths in range(60):
        now = NOW + timedelta(seconds=tenths / 10)
        pace.acted("ada", now)
        assert (pace.wait("bnb", now, settled=True) > 0) is (tenths < 50)

    pace.reported("bnb", now)
    assert pace.wait("bnb", now, settled=True) == 0.5, "the next one waits again"
