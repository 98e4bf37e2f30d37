"""The recorded market of the tests: a real one where there is one, a made one elsewhere."""

import os
import random
from decimal import Decimal
from pathlib import Path

SYMBOL = "XRPETH"
VARIABLE = "RECORDINGS"
"""The environment variable that names the folder of real recordings."""

_REAL = "xrpeth_aggtrades_2019-10-11.csv.gz"
_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,time_ms,buyer_is_maker"


def recording(folder: Path) -> Path:
    """Return the real recording, or make one in a folder."""
    recorded = os.environ.get(VARIABLE)
    return Path(recorded) / _REAL if recorded else _made(folder / "made.csv")


def _made(path: Path) -> Path:
    """Write aggregate trades that fall and rise by some percent, as a real day does."""
    chance = random.Random(7)
    price, lines = Decimal("0.00141342"), [_HEADER]
    for number in range(6_000):
        drift = Decimal(-1 if number // 500 % 2 else 1) * Decimal("0.00003")
        step = Decimal(chance.randint(-40, 40)) / 100_000 + drift
        price = (price * (1 + step)).quantize(Decimal("0.00000001"))
        quantity, maker = chance.randint(5, 900), str(chance.random() < 0.5).lower()
        time_ms = 1_570_752_011_620 + number * 45_000
        lines.append(f"{number},{price},{quantity},{number},{number},{time_ms},{maker}")
    path.write_text("\n".join(lines) + "\n")
    return path
