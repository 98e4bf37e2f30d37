"""Runs a version's SQL, which is kept as SQL: a file of the same name beside the module."""

from pathlib import Path

from alembic import op


def run_script(module_file: str) -> None:
    """Execute the `.sql` file beside a version's module, all its statements, in order."""
    script = Path(module_file).with_suffix(".sql").read_text(encoding="utf-8")
    # A prepared statement holds one command only; the driver's own `execute` takes a script.
    op.get_bind().connection.run_async(lambda driver: driver.execute(script))
