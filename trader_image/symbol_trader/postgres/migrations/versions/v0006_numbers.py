"""Fills belong to client order ids: the exchange's own ids may begin again."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Give each fill its order's client order id; of the watermark, take the time from its fill."""
    run_script(__file__)
