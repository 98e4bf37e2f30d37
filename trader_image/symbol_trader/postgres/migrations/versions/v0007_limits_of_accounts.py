"""Limits and halts of an account, which the statement that commits a buy's intent checks."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create limits and halts, and work out the totals of what is open; replace `note`."""
    run_script(__file__)
