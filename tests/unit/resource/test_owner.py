"""Whose a symbol is that is run from a file."""

import pytest

from symbol_trader.identity import Owner
from symbol_trader.resource.owner import former_owner, owner_of


@pytest.mark.parametrize(
    ("option", "owner"),
    [
        ("", Owner("file", "default", "xrpusdt")),
        ("second-account", Owner("file", "second-account", "xrpusdt")),
        ("laptop:/home/me/x.yaml", Owner("file", "laptop", "/home/me/x.yaml")),
    ],
)
def test_an_owner_is_the_resource_and_neither_host_nor_path(option: str, owner: Owner) -> None:
    assert owner_of(option, "default", "xrpusdt") == owner


def test_an_owner_of_the_first_version_is_named_by_its_host_and_path() -> None:
    assert owner_of("laptop:/a:/b", "default", "x") == former_owner("laptop", "/a:/b")
