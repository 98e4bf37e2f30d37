"""How often is reported: settled states at once, the others once they have lasted a moment."""

from datetime import timedelta

from symbol_operator.pace import Pace
from unit.operator.objects import NOW

LATER = NOW + timedelta(seconds=0.25)


def test_a_first_report_waits_for_nothing() -> None:
    assert Pace[str]().wait("ada", NOW, settled=False) == 0


def test_what_moves_on_by_itself_waits_and_what_is_settled_does_not() -> None:
    pace = Pace[str]()
    pace.acted("ada", NOW)

    assert pace.wait("ada", LATER, settled=False) == 0.75
    assert pace.wait("ada", LATER, settled=True) == 0
    assert pace.wait("bnb", LATER, settled=False) == 0


def test_one_report_a_second() -> None:
    pace = Pace[str]()
    pace.reported("ada", NOW)

    assert pace.wait("ada", LATER, settled=True) == 0.75
    assert pace.wait("ada", NOW + timedelta(seconds=1), settled=True) == 0


def test_a_clock_that_was_set_back_delays_no_report_for_long() -> None:
    pace = Pace[str]()
    pace.reported("ada", NOW + timedelta(days=1))

    assert pace.wait("ada", NOW, settled=True) == 1


def test_what_is_gone_is_forgotten() -> None:
    pace = Pace[str]()
    pace.reported("ada", NOW)
    pace.acted("ada", NOW)
    pace.forget(lambda key: key == "ada")

    assert pace.wait("ada", NOW, settled=False) == 0
