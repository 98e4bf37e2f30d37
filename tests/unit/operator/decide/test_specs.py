"""Specs are read once for each generation, under one configuration."""

import pytest

from symbol_operator.decide import specs as module
from symbol_operator.decide.specs import Specs
from symbol_operator.observe.pod import template_hash
from symbol_operator.settings import OperatorSettings
from unit.operator.objects import resource


@pytest.fixture
def specs(settings: OperatorSettings) -> Specs:
    """Return specs of which none was read."""
    return Specs(settings, "cluster-1")


def test_a_spec_is_read_once_for_each_generation_of_a_resource(specs: Specs) -> None:
    first = specs.read(resource())

    assert specs.read(resource()) is first
    assert specs.read(resource(generation=2)) is not first
    assert specs.read(resource(uid="r2")) is not first


def test_what_has_no_uid_or_generation_is_read_each_time(specs: Specs) -> None:
    nameless = resource(uid="")

    assert specs.read(nameless) is not specs.read(nameless)


def test_the_digest_is_that_of_the_pod(specs: Specs) -> None:
    desired = specs.read(resource())

    assert desired.digest == template_hash(specs.pod(desired))


@pytest.mark.parametrize("exchange", ["unknown", "binance", 7])
def test_what_may_have_no_leader_has_no_digest(specs: Specs, exchange: object) -> None:
    desired = specs.read(resource(exchange=exchange))

    assert desired.blocker is not None
    assert desired.digest == ""


def test_what_was_read_first_is_forgotten_first(
    specs: Specs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED_MAX", 2)
    first, second = (specs.read(resource(uid=uid)) for uid in ("r1", "r2"))
    specs.read(resource(uid="r3"))

    assert specs.read(resource(uid="r2")) is second
    assert specs.read(resource(uid="r1")) is not first
