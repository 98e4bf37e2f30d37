"""The errors of the leader are one tree, and what it waits out is a branch of it."""

import importlib
import pkgutil

import pytest

import symbol_trader
from symbol_trader.binance.fields import PayloadError
from symbol_trader.errors import (
    AccountChanged,
    ApiServerUnavailable,
    BadCredentials,
    Contradiction,
    DatabaseUnavailable,
    ExchangeUnavailable,
    Fenced,
    InvalidInput,
    LeaderError,
    OwnedByAnother,
    Retryable,
    RolledBack,
    SchemaMismatch,
    SettledMeanwhile,
    Unavailable,
    UnknownSymbol,
)
from symbol_trader.runtime.logs import Failure

LEAVE_NO_ADAPTER = {PayloadError}
ENDS_A_COMMAND = {Failure}


@pytest.mark.parametrize(
    "error",
    [
        Unavailable,
        DatabaseUnavailable,
        ExchangeUnavailable,
        ApiServerUnavailable,
        OwnedByAnother,
        AccountChanged,
        SchemaMismatch,
        BadCredentials,
        UnknownSymbol,
        Contradiction,
        RolledBack,
    ],
)
def test_waiting_helps_where_the_world_may_change(error: type[Exception]) -> None:
    assert issubclass(error, Retryable)


@pytest.mark.parametrize("error", [Fenced, SettledMeanwhile, InvalidInput, OSError])
def test_the_rest_is_not_waited_out(error: type[Exception]) -> None:
    assert not issubclass(error, Retryable)


def test_every_error_that_leaves_its_module_is_in_the_tree() -> None:
    found = {error for error in _errors() if not issubclass(error, LeaderError)}
    assert found == LEAVE_NO_ADAPTER | ENDS_A_COMMAND


def _errors() -> set[type[BaseException]]:
    """Return the exceptions that the leader's modules define."""
    names = [
        module.name
        for module in pkgutil.walk_packages(symbol_trader.__path__, "symbol_trader.")
        if ".migrations." not in module.name
    ]
    return {
        value
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == name
    }
