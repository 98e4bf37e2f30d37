"""Alembic's entry: runs the versions on the connection that `migrate` hands over."""

from alembic import context

from symbol_trader.postgres.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    on_version_apply=context.config.attributes["on_version_apply"],
)
context.run_migrations()
