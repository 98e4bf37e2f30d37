"""Who a symbol that is run from a file belongs to. Pure.

As in a cluster, a resource is its namespace and name: neither the host that the file lies on nor
its path, which change with each container and each move. Version 0.1.0 took these two.
"""

from symbol_trader.identity import Owner
from tradingsymbol_api.ownership import FILE_CLUSTER

FORMER = ":/"
"""Between host and path of an owner as version 0.1.0 named it."""


def owner_of(option: str, namespace: str, name: str) -> Owner:
    """Return the owner of a file's resource.

    `option` is what `--owner` says: empty, another namespace, or a former owner as `HOST:/PATH`.
    """
    host, found, path = option.partition(FORMER)
    if found:
        return Owner(FILE_CLUSTER, host, f"/{path}")
    return Owner(FILE_CLUSTER, option or namespace, name)


def former_owner(host: str, path: str) -> Owner:
    """Return the owner that version 0.1.0 took for a file at this absolute path."""
    return Owner(FILE_CLUSTER, host, path)
