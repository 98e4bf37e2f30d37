"""Settings say which revision of the resource they mirror."""

from symbol_trader.postgres.migrations.scripts import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the revision; of what was mirrored before, none is known."""
    run_script(__file__)
