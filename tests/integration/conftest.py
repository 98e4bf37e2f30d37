"""Fixtures of the integration tests: real servers."""

from support.postgres import database, empty_database, own_database, postgres_server

__all__ = ["database", "empty_database", "own_database", "postgres_server"]
