"""What the flags that several commands share accept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.options import (
    ExchangeOptions,
    Options,
    Since,
    database_options,
    mounted_in_pod,
)
from symbol_trader.postgres.address import DatabaseAddress
from tradingsymbol_api.environments import KNOWN


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("90m", timedelta(minutes=90)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date_or_a_duration(text: str, meaning: object) -> None:
    assert Since().convert(text, None, None) == meaning


@pytest.mark.parametrize("text", ["", "yesterday", "24", "-1h", "2026-13-01"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="24h"):
        Since().convert(text, None, None)


def test_no_option_shows_a_secret() -> None:
    database = DatabaseAddress("postgresql://u:hunter2@db/x")
    options = Options(
        "paper", "wss://a", "wss://b", "", Path("key"), 1, False, False,
        database, 1, 1, 1.0, "", 0, "json",
    )  # fmt: skip
    assert "hunter2" not in repr(options)


@click.command
@database_options
def where(database: DatabaseAddress) -> None:
    click.echo(database.read())


@pytest.mark.parametrize("environment", [{}, {"SYMBOL_TRADER_DATABASE_URL": ""}])
def test_the_record_is_named_by_a_url_or_by_a_file_that_holds_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "url").write_text("postgresql://b")

    def said(*arguments: str) -> str:
        options = {"auto_envvar_prefix": "SYMBOL_TRADER"}
        return CliRunner().invoke(where, arguments, env=environment, **options).output  # type: ignore[arg-type]  # passed on to the context

    url, file = "--database-url=postgresql://a", f"--database-url-file={tmp_path}/url"
    assert said(url) == "postgresql://a\n"
    assert said(file) == "postgresql://b\n"
    for arguments in ((), (url, file)):
        assert "give --database-url or --database-url-file, and not both" in said(*arguments)


def test_in_a_pod_the_command_that_brings_the_url_is_told(tmp_path: Path) -> None:
    mounted = DatabaseAddress(file=tmp_path / "trading-database" / "url")
    with pytest.raises(DatabaseUnavailable) as caught:
        mounted_in_pod(mounted, "trading").read()
    assert (
        "kubectl create secret generic trading-database --namespace trading "
        "--from-literal=url=postgresql://…"
    ) in str(caught.value)
    assert mounted_in_pod(DatabaseAddress("postgresql://a"), "trading").read() == "postgresql://a"


def test_an_exchange_is_where_its_environment_is_unless_told_otherwise() -> None:
    entry = ExchangeOptions("testnet", "", "wss://mine", "", Path("key"), 10_000)
    settings = entry.settings("XRPUSDT")

    assert settings.api_url == KNOWN["testnet"].api_url
    assert settings.stream_url == "wss://mine"
    assert entry.addresses.rest_url == KNOWN["testnet"].rest_url


def test_what_must_not_trade_is_refused_by_the_flag_that_is_wrong() -> None:
    entry = ExchangeOptions("live", "", "", "", Path("key"), 10_000)

    entry.check(real_money=True, allow_unrestricted_key=True)
    with pytest.raises(click.UsageError, match="--real-money is missing"):
        entry.check(real_money=False, allow_unrestricted_key=False)
