"""Leaders share request weight, order counts and descriptions of symbols."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Let the slots of connections be slots of any limit, and create the table of replies."""
    run_script(__file__)
