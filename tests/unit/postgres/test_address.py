"""Where the record is, by a URL or by the file that holds it."""

from pathlib import Path

import pytest

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres.address import DatabaseAddress

URL = "postgresql://trader:hunter2@db/trading"


def in_file(folder: Path, content: bytes = URL.encode()) -> DatabaseAddress:
    file = folder / "url"
    file.write_bytes(content)
    return DatabaseAddress(file=file, advice="bring it")


def test_a_url_is_what_was_given() -> None:
    assert DatabaseAddress(URL).read() == URL


def test_a_file_is_read_again_each_time(tmp_path: Path) -> None:
    address = in_file(tmp_path)
    assert address.read() == URL

    in_file(tmp_path, b"postgresql://trader:changed@db/trading\n")
    assert address.read() == "postgresql://trader:changed@db/trading"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"postgresql://\xff:hunter2@db", "holds no text")],
)
def test_a_file_without_a_url_is_told_with_the_remedy(
    tmp_path: Path, content: bytes, why: str
) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        in_file(tmp_path, content).read()
    assert str(caught.value) == f"the database URL's file {tmp_path}/url {why} (bring it)"
    assert caught.value.__cause__ is None


def test_a_missing_file_is_waited_for(tmp_path: Path) -> None:
    address = DatabaseAddress(file=tmp_path / "absent", advice="bring it")
    with pytest.raises(DatabaseUnavailable, match=r"absent cannot be read: No such file"):
        address.read()


def test_no_address_shows_its_password() -> None:
    assert "hunter2" not in repr(DatabaseAddress(URL))
