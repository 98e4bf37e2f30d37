"""Leaders behind one address share the exchange's limit of connections."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table; no slot is reserved so far."""
    run_script(__file__)
