"""Tells a case that failed from one that the harness could not carry out. Pure."""

from paper_exchange.shell.admin_client import AdminRefusedError
from symbol_trader.errors import DatabaseUnavailable

PORT_TAKEN = "address already in use"
SAID_NOTHING = "was said 0 times of 1:\n"
"""What an error ends with where a process has not even begun in all the time that it was given."""


class HarnessFailed(Exception):  # noqa: N818 - a state of this machine
    """A case came to no verdict, for a reason that is not the leader's; the text says which."""


def harness_reason(error: BaseException) -> str | None:
    """Return why an error says nothing about the leader; None if it may be the leader's.

    A port that another process has taken; a process that has said nothing at all; a command that
    never reached the administrator's interface (an exchange that refuses it has no cause to name);
    a database that did not answer the harness itself.
    """
    unheard = isinstance(error, AdminRefusedError) and error.__cause__ is not None
    if unheard or isinstance(error, DatabaseUnavailable):
        return str(error)
    if isinstance(error, AssertionError) and PORT_TAKEN in str(error):
        return PORT_TAKEN
    if isinstance(error, AssertionError) and str(error).endswith(SAID_NOTHING):
        return "a process did not begin: this machine is too busy"
    return None
