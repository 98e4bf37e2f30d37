"""The cluster that commands meet."""

from collections.abc import Iterator

import pytest

from kubectl_trading import changes, options
from kubectl_trading.commands import looking, telling
from kubectl_trading.connection import ClusterError, Where
from kubectl_trading.pods import LogOptions
from kubectl_trading.symbols import Symbol
from unit.kubectl_trading.documents import document
from unit.kubectl_trading.fake_cluster import FakeCluster

LINE = '{"timestamp": "2026-01-01T12:30:00.5Z", "level": "info", "event": "bought", "price": "2"}'


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Hold `ada`, which is off, and `xrp`, which is on and not seen by an operator yet."""
    made = FakeCluster(document("ada", "off", Ready="True Stopped"), document("xrp", "on"))
    made.symbols.documents["ada"]["status"]["traders"] = None

    def connect(where: Where, request_s: float | None = None) -> FakeCluster:
        made.where, made.request_s = where, request_s
        return made

    monkeypatch.setattr(options, "Cluster", connect)
    monkeypatch.setattr(changes, "AGAIN_S", 0)
    monkeypatch.setattr(looking, "ENDS_WITHIN_S", 0)
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[LogOptions]:
    """Let the leader of xrp tell a line, and collect which lines were asked for."""
    found: list[LogOptions] = []

    def lines(_: Where, symbol: Symbol, options: LogOptions) -> Iterator[str]:
        found.append(options)
        if symbol.name != "xrp":
            raise ClusterError(f'no cache\npods "{symbol.name}-leader" not found')
        yield LINE

    monkeypatch.setattr(telling, "log_lines", lines)
    return found
