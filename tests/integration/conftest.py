"""Fixtures of the integration tests: real servers."""

from collections.abc import AsyncIterator

import pytest

from support.api_server import ApiServer
from support.by_hand import ONE_TRADER
from support.postgres import database, empty_database, own_database, postgres_server

__all__ = ["database", "empty_database", "own_database", "postgres_server"]


@pytest.fixture
async def api_server() -> AsyncIterator[ApiServer]:
    """Serve a resource that asks to trade; at the end nobody serves it."""
    server = ApiServer({"status": "on", **ONE_TRADER})
    await server.start()
    yield server
    await server.stop()
