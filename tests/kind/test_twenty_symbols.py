"""Twenty symbols at the same time on a real cluster: all start, shut down and come back."""

from pathlib import Path

import pytest

from kind.kubectl import Kubectl, manifest
from kind.trading import (
    FAST,
    SYMBOLS,
    Platform,
    drain,
    off_writer,
    wait_until_off,
    wait_until_trading,
)

TWENTY = SYMBOLS[4:24]

pytestmark = pytest.mark.usefixtures("real_operator")


@pytest.mark.timeout(1500)
def test_twenty_symbols_at_once(home: Kubectl, record: Platform, tmp_path: Path) -> None:
    """All trade within a minute; all shut down to off; all come back; all stop."""
    names = [name.lower() for name in TWENTY]
    text = "---\n".join(manifest(n.lower(), "on", symbol=f"{n}USDT") for n in TWENTY)
    record.exchange("speed", "1")
    home.apply(text)
    for name in names:
        wait_until_trading(home, name, within=240)

    for name in names:
        home.patch(name, "shutdown")
    drain(home, record, {name: f"{name.upper()}USDT" for name in names})
    for name in names:
        assert off_writer(home, name) == "symbol-trader"
    for name in names:
        home.patch(name, "on")
    for name in names:
        wait_until_trading(home, name, within=240)
    for symbol in TWENTY[:3]:
        assert record.books(f"{symbol}USDT", tmp_path, within=60).differences == ()
    for name in names:
        home.patch(name, "off")
    for name in names:
        wait_until_off(home, name, within=240)
    home.run("delete", "tradingsymbol", "--all", "--timeout=60s")
    record.exchange("speed", str(FAST))
