"""The record: owners and epochs, settings, traders, orders, cancels, fills, and their views."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything; there is nothing before."""
    run_script(__file__)
