"""The database's password is changed while an order rests: nothing restarts, nothing is lost."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from support.by_hand import RESTS, agree, bot_at, recorded, rows, sells_and_ends, trade
from support.people import SYMBOL

MANUAL = ("--manual", SYMBOL)
OLD, NEW = "an-old-password-that-must-not-show", "a-new-password-that-must-not-show"


@dataclass(frozen=True)
class Login:
    """A login of the database that is this test's own."""

    admin: str
    role: str
    file: Path
    """Holds the URL, as a mounted Secret does."""

    async def set_password(self, password: str) -> None:
        """Change the password, which connections that stand do not notice."""
        await self._carry_out(f"ALTER ROLE {self.role} PASSWORD '{password}'")

    def write(self, password: str) -> None:
        """Replace the file's content at once, as the kubelet does."""
        parts = urlsplit(self.admin)
        url = f"postgresql://{self.role}:{password}@{parts.hostname}:{parts.port}{parts.path}"
        new = self.file.with_suffix(".new")
        new.write_text(url + "\n", encoding="utf-8")
        new.replace(self.file)

    async def cut(self) -> None:
        """Cut its connections: the server was restarted, say."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
        await self._carry_out(query, self.role)

    async def _carry_out(self, statement: str, *arguments: str) -> None:
        connection = await asyncpg.connect(self.admin)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()


@asynccontextmanager
async def login(database: str, folder: Path) -> AsyncIterator[Login]:
    """Make a login that may do what the tests' own may; at the end it is gone."""
    role = f"rotated_{secrets.token_hex(4)}"
    made = Login(database, role, folder / "url")
    owner = urlsplit(database).username
    await made._carry_out(f"CREATE ROLE {role} LOGIN PASSWORD '{OLD}' IN ROLE {owner}")
    made.write(OLD)
    try:
        yield made
    finally:
        await made.cut()
        await made._carry_out(f"DROP ROLE {role}")


async def test_a_rotated_password_is_taken_up_and_no_order_is_lost(
    tmp_path: Path, database: str
) -> None:
    """The buy fills while the record refuses the old password; then the file has the new one."""
    async with login(database, tmp_path) as own, bot_at(tmp_path / "bot", database, *MANUAL) as bot:
        running = await bot.start(
            SYMBOL_TRADER_DATABASE_URL="", SYMBOL_TRADER_DATABASE_URL_FILE=str(own.file)
        )
        await running.said("starting trading")
        await trade(bot.venue, "1", "SELL", "1")
        await running.said("buy open")
        await recorded(database, f"SELECT FROM orders WHERE {RESTS} AND side = 'BUY'")

        await own.set_password(NEW)
        await own.cut()
        await running.said("password authentication failed")
        await trade(bot.venue, "0.9", "SELL")
        own.write(NEW)

        await running.said("sell open")
        await recorded(database, f"SELECT FROM orders WHERE {RESTS} AND side = 'SELL'")
        assert await rows(database, "SELECT count(*) FROM orders") == [(2,)]
        await sells_and_ends(bot, running)
        await agree(bot)
        assert not [line for line in running.lines if OLD in line or NEW in line]


async def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, database: str) -> None:
    """Its Secret may be created after the leader's pod."""
    async with login(database, tmp_path) as own, bot_at(tmp_path / "bot", database, *MANUAL) as bot:
        own.file.unlink()
        running = await bot.start(
            SYMBOL_TRADER_DATABASE_URL="", SYMBOL_TRADER_DATABASE_URL_FILE=str(own.file)
        )
        await running.said(r"url cannot be read: No such file or directory")
        own.write(OLD)
        await running.said("starting trading")
