"""Who owns a symbol, as leaders write it and `kubectl trading` reads it."""

import pytest

from tradingsymbol_api.ownership import FILE_CLUSTER, ForeignOwner, parse_foreign_owner

OWNERS = (
    ForeignOwner("XRPUSDT", "354937868", "paper", "8a2f-uid", "trading", "xrp"),
    ForeignOwner("\u5e01\u5b89\u4eba\u751fUSDT", "1", "live", FILE_CLUSTER, "a b/c", "xrp"),
    ForeignOwner("LTCUSDT", "1", "demo", FILE_CLUSTER, "host", "/home/me/ltc.yaml"),
)


@pytest.mark.parametrize("owner", OWNERS[:2], ids=str)
@pytest.mark.parametrize("rest", ["", " holds epoch 3 with pod p since then; to take it"])
def test_what_is_written_is_read(owner: ForeignOwner, rest: str) -> None:
    assert parse_foreign_owner(f"{owner}{rest}") == owner


def test_a_path_is_left_in_one_piece() -> None:
    """Version 0.1.0 named files so; nobody looks for them in a cluster."""
    found = parse_foreign_owner(str(OWNERS[2]))
    assert found is not None
    assert (found.cluster, f"{found.namespace}/{found.name}") == (
        FILE_CLUSTER,
        "host//home/me/ltc.yaml",
    )


@pytest.mark.parametrize("text", ["", "pod p lost XRPUSDT (account 1, paper) to another: a/b"])
def test_what_says_something_else_names_nobody(text: str) -> None:
    assert parse_foreign_owner(text) is None
