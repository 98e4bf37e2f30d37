"""What each error of PostgreSQL and of the driver means to a leader."""

import asyncpg
import pytest

from symbol_trader.errors import Contradiction, DatabaseUnavailable, Fenced, SettledMeanwhile
from symbol_trader.postgres import errors

WHERE = errors.Where("PostgreSQL at db:5432/trading")


def server_error(sqlstate: str, message: str = "said so", detail: str = "") -> Exception:
    """Make an error as the driver makes it of the server's message."""
    fields = {"C": sqlstate, "M": message, "S": "ERROR"} | ({"D": detail} if detail else {})
    error: Exception = asyncpg.PostgresError.new(fields)
    return error


@pytest.mark.parametrize(
    ("sqlstate", "meaning"),
    [
        ("TR001", Fenced),
        ("TR002", Contradiction),
        ("TR003", SettledMeanwhile),
        ("08006", DatabaseUnavailable),
        ("23503", Contradiction),
        ("23505", Contradiction),
        ("23514", Contradiction),
        ("25006", DatabaseUnavailable),
        ("25P03", DatabaseUnavailable),
        ("25P04", DatabaseUnavailable),
        ("28P01", DatabaseUnavailable),
        ("3D000", DatabaseUnavailable),
        ("40001", DatabaseUnavailable),
        ("40003", DatabaseUnavailable),
        ("40P01", DatabaseUnavailable),
        ("42501", DatabaseUnavailable),
        ("53100", DatabaseUnavailable),
        ("53300", DatabaseUnavailable),
        ("55P03", DatabaseUnavailable),
        ("57014", DatabaseUnavailable),
        ("57P01", DatabaseUnavailable),
        ("57P03", DatabaseUnavailable),
        ("58030", DatabaseUnavailable),
    ],
)
def test_a_known_sqlstate_has_one_meaning(sqlstate: str, meaning: type[Exception]) -> None:
    told = errors.translate(server_error(sqlstate), WHERE, connection_lost=False)
    assert type(told) is meaning


@pytest.mark.parametrize(
    "sqlstate", ["42601", "42P01", "22003", "25P01", "XX000", "0A000", "P0001"]
)
def test_a_mistake_of_this_program_is_not_explained_away(sqlstate: str) -> None:
    assert errors.translate(server_error(sqlstate), WHERE, connection_lost=False) is None


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("the server expects 3 arguments"),
        asyncpg.InternalClientError("odd"),
        server_error("XX000"),
    ],
)
def test_a_complaint_is_a_mistake_unless_the_connection_is_gone(
    error: Exception,
) -> None:
    assert errors.translate(error, WHERE, connection_lost=False) is None
    told = errors.translate(error, WHERE, connection_lost=True)
    assert isinstance(told, DatabaseUnavailable)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TimeoutError(), f"{WHERE}: no answer in time"),
        (
            ConnectionRefusedError(111, "Connect call failed"),
            f"{WHERE}: [Errno 111] Connect call failed",
        ),
        (OSError(), f"{WHERE}: OSError"),
        (
            asyncpg.TargetServerAttributeNotMatched("none is primary\nat all"),
            f"{WHERE}: none is primary",
        ),
        (
            server_error("57P01", "terminating connection"),
            f"{WHERE}: terminating connection (57P01)",
        ),
    ],
)
def test_what_is_unavailable_says_where_and_why(error: Exception, text: str) -> None:
    told = errors.translate(error, WHERE, connection_lost=False)
    assert isinstance(told, DatabaseUnavailable)
    assert str(told) == text


def test_a_contradiction_names_the_row() -> None:
    error = server_error("23505", "duplicate key", "Key (order_id)=(7) already exists.")
    told = errors.translate(error, WHERE, connection_lost=False)
    assert str(told) == "duplicate key: Key (order_id)=(7) already exists."


def test_an_error_is_raised_with_its_cause_and_a_mistake_as_it_is() -> None:
    cause = server_error("57P01")
    with pytest.raises(DatabaseUnavailable) as told, errors.translated(WHERE, lambda: False):
        raise cause
    assert told.value.__cause__ is cause
    mistake = server_error("42601")
    with pytest.raises(asyncpg.PostgresSyntaxError), errors.translated(WHERE, lambda: False):
        raise mistake
    with pytest.raises(ZeroDivisionError), errors.translated(WHERE, lambda: True):
        raise ZeroDivisionError
