"""The folder of a key: as a person writes it, and as the kubelet exchanges it."""

import logging
from pathlib import Path

import pytest

from symbol_trader.binance.keyfiles import KeyFolder
from symbol_trader.binance.keys import HmacKey
from symbol_trader.errors import BadCredentials

ONE, TWO = HmacKey("one", "secret-one"), HmacKey("two", "secret-two")


def write(folder: Path, key: HmacKey) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "api-key").write_text(key.api_key)
    (folder / "api-secret").write_text(key.secret)
    return folder


def mount(volume: Path, key: HmacKey, revision: str) -> None:
    """Bring a revision of a Secret as the kubelet does: all files at once, by a link."""
    write(volume / f"..{revision}", key)
    link = volume / "..new"
    link.symlink_to(f"..{revision}")
    link.replace(volume / "..data")


def test_a_person_s_folder(tmp_path: Path) -> None:
    folder = KeyFolder(write(tmp_path, ONE), "advice")
    assert folder.read() == ONE
    assert not folder.replaces(ONE)
    write(tmp_path, TWO)
    assert folder.replaces(ONE)


def test_a_mounted_secret_changes_as_a_whole(tmp_path: Path) -> None:
    mount(tmp_path, ONE, "2026_1")
    for name in ("api-key", "api-secret"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    folder = KeyFolder(tmp_path, "advice")
    assert folder.read() == ONE
    mount(tmp_path, TWO, "2026_2")
    assert folder.replaces(ONE)
    assert folder.read() == TWO


def test_a_link_that_leads_to_itself_is_told_with_the_advice(tmp_path: Path) -> None:
    (tmp_path / "..data").symlink_to("..data")
    with pytest.raises(BadCredentials, match=r"cannot be read: .*\(advice\)"):
        KeyFolder(tmp_path, "advice").read()


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_folder_and_none_are_told_with_the_advice(tmp_path: Path, there: bool) -> None:
    folder = KeyFolder(tmp_path if there else tmp_path / "none", "do this")
    with pytest.raises(BadCredentials, match=r"the key has no api-key: .* \(do this\)"):
        folder.read()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "api-key").mkdir()
    with pytest.raises(BadCredentials, match=r"api-key cannot be read: Is a directory"):
        KeyFolder(tmp_path, "advice").read()


def test_a_key_that_went_bad_replaces_none_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = KeyFolder(write(tmp_path, ONE), "advice")
    (tmp_path / "api-secret").unlink()
    assert not folder.replaces(ONE)
    assert not folder.replaces(ONE)
    assert sum("goes on" in record.message for record in caplog.records) == 1

    write(tmp_path, TWO)
    assert folder.replaces(ONE)


def test_hmac_is_called_deprecated_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = KeyFolder(write(tmp_path, ONE), "advice")
    with caplog.at_level(logging.WARNING):
        folder.read()
        folder.read()
    assert [record.message for record in caplog.records] == [
        "the key is of the kind HMAC, which Binance calls deprecated; use Ed25519"
    ]
