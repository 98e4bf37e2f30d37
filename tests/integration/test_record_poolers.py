"""The record needs a session: a pooler that shares connections is refused, others are not.

The pooler is the tests' own (`support/pooler.py`); PgBouncer need not be installed.
"""

from urllib.parse import urlsplit

import asyncpg
import pytest

from support.pooler import Pooler, pooled
from support.postgres import Server
from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import connection, errors


def through(url: str, port: int) -> str:
    """Return the address of the same database behind another port."""
    return url.replace(f":{urlsplit(url).port}/", f":{port}/")


@pytest.mark.parametrize("takes_turns", [False, True])
@pytest.mark.parametrize("size", [1, 2, 5])
async def test_a_shared_connection_is_refused_by_its_first_client(
    postgres_server: Server, database: str, size: int, takes_turns: bool
) -> None:
    pooler = Pooler(postgres_server.port, size, takes_turns)
    async with pooled(pooler) as port:
        url = through(database, port)
        # Idle server connections, as earlier clients leave them.
        for client in [await asyncpg.connect(url) for _ in range(size)]:
            await client.close()
        with pytest.raises(DatabaseUnavailable, match="pooler in session mode"):
            await connection.connect(url)


async def test_a_pooler_in_session_mode_is_taken_and_given_the_limits(
    postgres_server: Server, database: str
) -> None:
    async with pooled(Pooler(postgres_server.port, whole_sessions=True)) as port:
        found = await connection.connect(through(database, port))
        assert await found.fetchval("SHOW statement_timeout") == "5s"
        assert await found.fetchval("SHOW jit") == "off"
        await found.close()


async def test_a_direct_connection_needs_no_witness(
    postgres_server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unexpected(*_: object) -> None:
        raise AssertionError("a second connection was made")

    monkeypatch.setattr(connection, "_make_sure_of_session", unexpected)
    found = await connection.connect(database)
    await found.close()


@pytest.mark.parametrize("sqlstate", ["26000", "42P05"])
def test_a_prepared_statement_that_is_gone_names_the_pooler(sqlstate: str) -> None:
    error = asyncpg.PostgresError.new({"C": sqlstate, "M": "no statement", "S": "ERROR"})
    told = errors.translate(error, errors.describe(""), connection_lost=False)
    assert isinstance(told, DatabaseUnavailable)
    assert "pooler in session mode" in str(told)
