"""Leaders share connections, request weight, orders and what symbols are."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables of slots and of replies; no slot is reserved so far."""
    run_script(__file__)
