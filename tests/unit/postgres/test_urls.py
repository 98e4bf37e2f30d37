"""No message holds a secret of the database's URL, however the URL is written."""

import re
import string
from urllib.parse import quote

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import connection, errors, urls

MARKED = "Xq7Zw"
"""In each secret below, and in nothing else."""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://trader:hunter2@db:5432/trading", "PostgreSQL at db:5432/trading"),
        ("postgresql://trader:hunter2@db", "PostgreSQL at db"),
        ("postgresql://trader:hunter2@[::1]:5432/trading", "PostgreSQL at [::1]:5432/trading"),
        ("postgresql://trader:hunter2@a:1,b:2/trading", "PostgreSQL at a:1,b:2/trading"),
        ("postgresql://u:p@db/trading?sslmode=require", "PostgreSQL at db/trading"),
        ("postgresql://u:p@/trading?host=/run/pg", "PostgreSQL at /run/pg/trading"),
        ("postgresql://%2Frun%2Fpg/trading", "PostgreSQL at %2Frun%2Fpg/trading"),
        ("postgresql://db/trading?password=hunter2", "PostgreSQL at db/trading"),
        # Whatever might be a piece of a password is left out.
        ("postgresql://db/trading?password=a@hunter2", "PostgreSQL"),
        ("postgresql://db/trading?user=me@home&password=hunter2", "PostgreSQL"),
        ("postgresql://db/trading?password=x&sslpassword=a@hunter2", "PostgreSQL"),
        ("postgresql://trader:hunter2/x@db/trading", "PostgreSQL"),
        ("postgresql://trader:hunter@2@db/trading", "PostgreSQL"),
        ("postgresql://trader:hunter#2@db/trading", "PostgreSQL"),
        ("postgresql://trader:12?hunter@db/trading", "PostgreSQL"),
        ("postgresql://trader:hunter2", "PostgreSQL"),
        ("hunter2", "PostgreSQL"),
        ("", "PostgreSQL"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, name: str) -> None:
    assert str(errors.describe(url)) == name


NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
HOSTS = st.lists(
    st.sampled_from(["db", "db:5432", "[::1]:5432", "10.0.0.1", "%2Frun%2Fpg", ""]),
    min_size=1,
    max_size=3,
).map(",".join)
ODD = st.text(
    st.one_of(st.sampled_from("@/?#:&=%+;, []"), st.characters(codec="utf-8")), max_size=6
)


@st.composite
def written_urls(draw: st.DrawFn) -> str:
    """Draw a URL with secrets: percent-encoded or not, before the host, in the query, or both."""
    encoded = draw(st.booleans())
    secret = st.builds(f"{{}}{MARKED}{{}}{MARKED}".format, ODD, ODD)
    secret = secret.map(lambda text: quote(text, safe="")) if encoded else secret
    user = draw(st.one_of(st.just(""), st.builds("{}:{}@".format, NAMES, secret)))
    pairs = st.one_of(
        st.builds("{}={}".format, st.sampled_from(["password", "sslpassword", "PassWord"]), secret),
        st.builds("user={}@home".format, NAMES),
        st.just("sslmode=disable"),
        st.just("host=/run/pg"),
    )
    query = "&".join(draw(st.lists(pairs, min_size=0 if user else 1, max_size=3)))
    name = draw(st.one_of(st.just(""), NAMES.map("/{}".format)))
    scheme = draw(st.sampled_from(["postgresql://", "postgres://"]))
    return f"{scheme}{user}{draw(HOSTS)}{name}{'?' if query else ''}{query}"


@given(written_urls())
@example(f"postgresql://u:a@{MARKED}@db/x")
@example(f"postgresql://db/x?password=a@{MARKED}")
@example(f"postgresql://u:a/{MARKED}@db/x")
def test_no_name_holds_a_piece_of_a_secret(url: str) -> None:
    where = errors.describe(url)
    assert MARKED not in f"{where} {where!r} {urls.malformed(url)}"


@given(written_urls())
@example(f"postgresql://db?password={MARKED}\n{MARKED}")
def test_no_error_of_the_driver_holds_a_secret(url: str) -> None:
    """The driver and the server may quote what they took for a password, host or name."""
    where = errors.describe(url)
    for secret in urls.secrets(url):
        for error in (
            OSError(f"cannot reach {secret}"),
            asyncpg.InterfaceError(f"odd: {secret}"),
            asyncpg.PostgresError.new(
                {"C": "28P01", "M": f"{secret} is wrong", "S": "FATAL", "D": secret}
            ),
            asyncpg.PostgresError.new({"C": "23505", "M": "taken", "S": "ERROR", "D": secret}),
        ):
            told = errors.translate(error, where, connection_lost=True)
            assert MARKED not in str(told)


@given(written_urls())
async def test_a_url_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    """The driver never sees it: it would send a piece of the password as a database's name."""
    if urls.malformed(url) is None:
        return
    with pytest.raises(DatabaseUnavailable, match="percent-encoded") as told:
        await connection.connect(url)
    assert MARKED not in str(told.value)


def test_what_the_driver_reads_is_among_the_secrets() -> None:
    url = f"postgresql://u:a%40{MARKED}@db/x?sslpassword=b+{MARKED}"
    assert {f"a@{MARKED}", f"b {MARKED}"} <= urls.secrets(url)


def test_the_password_of_the_environment_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", MARKED)
    where = errors.describe("postgresql://db/x")
    told = errors.translate(OSError(f"no {MARKED}"), where, connection_lost=True)
    assert str(told) == "PostgreSQL at db/x: no ***"


def test_a_short_secret_does_not_riddle_a_message() -> None:
    where = errors.describe("postgresql://u:e@db/x")
    told = errors.translate(OSError("refused"), where, connection_lost=True)
    assert re.search("refused", str(told))
