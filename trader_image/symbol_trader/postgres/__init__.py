"""The record of trading in PostgreSQL: schema, migrations, and the adapter of the `Record` port."""
