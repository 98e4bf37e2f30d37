"""All fees count, what is over is added up, and a person may say how an order ended."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns and totals, and work them out for what is on record; replace the functions."""
    run_script(__file__)
