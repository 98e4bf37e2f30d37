"""A file that TLS needs and cannot use is named, with the remedy, by each way of naming it."""

import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from symbol_trader.errors import DatabaseUnavailable
from symbol_trader.postgres import connection, tls

REQUIRED = "postgresql://u:p@127.0.0.1:1/x?sslmode=verify-full"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=db", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def named(kind: str, path: Path, url: str = REQUIRED) -> str:
    """Return a URL that names a file."""
    return f"{url}&{kind}={quote(str(path))}"


@pytest.mark.parametrize("kind", ["sslrootcert", "sslcrl", "sslcert", "sslkey"])
def test_a_missing_file_is_named_however_it_was_given(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "missing.pem"
    by_url = tls.unusable_file(named(kind, path), {"HOME": str(tmp_path)})
    assert by_url == (
        f"{path}: No such file or directory; provide the file, or correct {kind} in the database "
        "URL"
    )
    variable = f"PG{kind.upper()}"
    by_variable = tls.unusable_file(REQUIRED, {variable: str(path), "HOME": str(tmp_path)})
    assert by_variable is not None
    assert by_variable.endswith(f"correct the environment variable {variable}")


@pytest.mark.parametrize("kind", ["sslrootcert", "sslcrl", "sslcert"])
def test_a_file_that_holds_something_else_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.pem"
    path.write_text("hello")
    told = tls.unusable_file(named(kind, path), {"HOME": str(tmp_path)})
    assert told is not None
    assert told.startswith(f"{path}: it does not hold")


def test_a_folder_and_a_default_are_named(tmp_path: Path) -> None:
    told = tls.unusable_file(named("sslrootcert", tmp_path), {"HOME": str(tmp_path)})
    assert told is not None
    assert "Is a directory" in told
    default = tmp_path / ".postgresql" / "root.crt"
    default.parent.mkdir()
    default.write_text("hello")
    told = tls.unusable_file(REQUIRED, {"HOME": str(tmp_path)})
    assert told is not None
    assert told.startswith(f"{default}: ")
    assert told.endswith("correct the default of sslrootcert")


def test_a_key_of_another_certificate_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    good = named("sslkey", key, named("sslcert", certificate))
    assert tls.unusable_file(good, {"HOME": str(tmp_path)}) is None
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genrsa", "-out", other, "2048"], check=True, capture_output=True)
    told = tls.unusable_file(
        named("sslkey", other, named("sslcert", certificate)), {"HOME": str(tmp_path)}
    )
    assert told is not None
    assert str(other) in told


@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_what_the_driver_does_not_read_is_not_asked_for(mode: str, tmp_path: Path) -> None:
    url = named("sslrootcert", tmp_path / "missing", f"postgresql://db/x?sslmode={mode}")
    assert tls.unusable_file(url, {"HOME": str(tmp_path)}) is None


async def test_it_is_waited_out_and_the_file_may_come_later(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "later.crt"
    with pytest.raises(DatabaseUnavailable, match=r"later\.crt: No such file"):
        await connection.connect(named("sslrootcert", path))
    path.write_bytes(pair[0].read_bytes())
    with pytest.raises(DatabaseUnavailable, match="Connect call failed"):
        await connection.connect(named("sslrootcert", path))
