"""The cluster that commands meet."""

import pytest

from kubectl_trading import changes, options
from kubectl_trading.commands import looking
from kubectl_trading.connection import Where
from unit.kubectl_trading.documents import document
from unit.kubectl_trading.fake_cluster import FakeCluster


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Hold `ada`, which is off, and `xrp`, which is on and not seen by an operator yet."""
    made = FakeCluster(document("ada", "off", Ready="True Stopped"), document("xrp", "on"))
    made.documents["ada"]["status"]["traders"] = None

    def connect(where: Where, request_s: float | None = None) -> FakeCluster:
        made.where, made.request_s = where, request_s
        return made

    monkeypatch.setattr(options, "Cluster", connect)
    monkeypatch.setattr(changes, "AGAIN_S", 0)
    monkeypatch.setattr(looking, "ENDS_WITHIN_S", 0)
    return made
