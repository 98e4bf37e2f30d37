"""Fixtures of the crash matrix: a real server, and an empty record for each case."""

from support.postgres import database, postgres_server

__all__ = ["database", "postgres_server"]
