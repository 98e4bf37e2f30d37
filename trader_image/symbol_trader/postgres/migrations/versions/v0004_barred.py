"""A pod whose leader may still run, and must lead no more, is barred from all books."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table; nobody is barred so far."""
    run_script(__file__)
