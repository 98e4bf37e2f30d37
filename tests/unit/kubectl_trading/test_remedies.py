"""Each reason that may be in the way has something to do about it."""

import pytest

from kubectl_trading.__main__ import COMMANDS
from kubectl_trading.remedies import REMEDIES, RUNBOOK, remedy
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.conditions import LeaderReason, OperatorReason
from unit.kubectl_trading.documents import document

NOT_IN_THE_WAY = {
    OperatorReason.LEADER_READY,
    OperatorReason.STOPPED,
    OperatorReason.AS_ASKED,
    LeaderReason.TRADING,
    LeaderReason.NOT_TRADING,
    LeaderReason.NO_SHUTDOWN,
    LeaderReason.AS_EXPECTED,
}
SYMBOL = Symbol.of(document())


def test_each_reason_has_a_remedy_and_nothing_else_has() -> None:
    assert set(REMEDIES) == {*OperatorReason, *LeaderReason} - NOT_IN_THE_WAY


@pytest.mark.parametrize("reason", REMEDIES)
def test_a_remedy_is_a_sentence_with_commands_that_there_are(reason: str) -> None:
    text = remedy(reason, SYMBOL)
    assert "{" not in text
    names = {command.name for command in COMMANDS}
    used = [part.split()[0] for part in text.split("kubectl trading ")[1:]]
    assert set(used) <= names


def test_a_reason_of_a_later_version_has_its_section_in_the_runbook() -> None:
    assert remedy("ReasonOfALaterVersion", SYMBOL) == RUNBOOK
