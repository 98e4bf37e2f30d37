"""Builders of the objects that the operator reads, and its configuration."""

import logging
import sys
from collections.abc import Iterator

import pytest

from symbol_operator.settings import ExchangeEntry, LeaderSettings, OperatorSettings


@pytest.fixture(autouse=True)
def _recursion_limit() -> Iterator[None]:
    """Leave Python as it was: the operator raises its limit for the whole process."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let the test take over the log of the process, and leave it as it was."""
    names = ("", "asyncio", "kopf.objects", "kopf._cogs.clients")
    loggers = [logging.getLogger(name) for name in names]
    kept = [(each, each.level, each.propagate, each.handlers[:]) for each in loggers]
    logging.getLogger().handlers[:] = []
    yield
    for each, level, propagates, handlers in kept:
        each.setLevel(level)
        each.propagate = propagates
        each.handlers[:] = handlers


@pytest.fixture
def settings() -> OperatorSettings:
    """Serve one namespace, with a paper exchange and one that is refused."""
    return OperatorSettings(
        namespaces=("trading",),
        exchanges=(
            ExchangeEntry(
                name="paper",
                environment="paper",
                api_url="ws://paper-exchange:9443/ws-api/v3",
                stream_url="ws://paper-exchange:9443",
                secret="paper-credentials",
            ),
            ExchangeEntry(
                name="binance",
                environment="live",
                api_url="wss://example.invalid/ws-api/v3",
                stream_url="wss://example.invalid",
                secret="live-credentials",
            ),
        ),
        leader=LeaderSettings(image="symbol-trader:1"),
    )
