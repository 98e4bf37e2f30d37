"""Keys are told apart by what they consist of, sign as Binance documents, and never show."""

import traceback
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from symbol_trader.binance.keys import HmacKey, Key, read_key
from symbol_trader.errors import BadCredentials

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"

FIX_EXAMPLE_KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u
-----END PRIVATE KEY-----
"""
"""Published for illustration, with a signature, in Binance Spot's fix-api.md."""
FIX_EXAMPLE_TEXT = "A\x01EXAMPLE\x01SPOT\x011\x0120240627-11:17:25.223"
FIX_EXAMPLE_SIGNATURE = (
    "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="
)

Made = Ed25519PrivateKey


def pem_of(
    key: Made,
    style: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(Encoding.PEM, style, encryption or NoEncryption())


def ed25519(pem: str = FIX_EXAMPLE_KEY) -> Key:
    return read_key({"api-key": API_KEY.encode(), "private-key": pem.encode()})


def test_the_published_ed25519_signature() -> None:
    assert ed25519().sign(FIX_EXAMPLE_TEXT) == FIX_EXAMPLE_SIGNATURE
    assert ed25519().logs_on


def test_a_wrong_byte_makes_another_ed25519_signature() -> None:
    assert ed25519().sign(FIX_EXAMPLE_TEXT + "x") != FIX_EXAMPLE_SIGNATURE
    assert ed25519().sign(FIX_EXAMPLE_TEXT.lower()) != FIX_EXAMPLE_SIGNATURE


def test_a_raw_key_s_deterministic_signature() -> None:
    """RFC 8032 leaves nothing to chance."""
    raw = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key = ed25519(pem_of(raw).decode())
    assert key.sign("apiKey=testkey&timestamp=1700000000000") == (
        "OSJ0tUCCBGDT495kHFU1l3blJwNoXyvouKQx/D89f3IGlzUKm8Pd4QwC7jG7H5Jk+cPBWHG/UzQRwE6QNgyxAg=="
    )


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  \n\n"])
def test_white_space_around_a_file_s_content_does_not_matter(end: str) -> None:
    key = read_key({"api-key": f"{API_KEY}{end}".encode(), "api-secret": f"{SECRET}{end}".encode()})
    assert key == HmacKey(API_KEY, SECRET)
    assert not key.logs_on
    assert ed25519(FIX_EXAMPLE_KEY + end).sign(FIX_EXAMPLE_TEXT) == FIX_EXAMPLE_SIGNATURE


def test_keys_are_equal_if_their_files_are() -> None:
    other = pem_of(Ed25519PrivateKey.generate()).decode()
    assert ed25519() == ed25519()
    assert ed25519() != ed25519(other)
    assert ed25519() != HmacKey(API_KEY, SECRET)


RSA = generate_rsa(65537, 2048)
GENERATED = Ed25519PrivateKey.generate()
EC = generate_private_key(SECP256R1())


def rsa(style: PrivateFormat) -> bytes:
    return RSA.private_bytes(Encoding.PEM, style, NoEncryption())


REFUSED: dict[str, tuple[dict[str, bytes], str]] = {
    "nothing": ({}, "the key has no api-key: add it"),
    "an empty api-key": ({"api-key": b" \n"}, "the key has no api-key: add it"),
    "no secret": (
        {"api-key": API_KEY.encode()},
        "neither private-key (Ed25519, PEM) nor api-secret (HMAC): add one",
    ),
    "both": (
        {
            "api-key": API_KEY.encode(),
            "api-secret": SECRET.encode(),
            "private-key": FIX_EXAMPLE_KEY.encode(),
        },
        "both private-key and api-secret: leave the one",
    ),
    "two words": (
        {"api-key": f"{API_KEY} {API_KEY}".encode(), "api-secret": SECRET.encode()},
        "api-key holds more than one word: copy it anew",
    ),
    "a secret of two words": (
        {"api-key": API_KEY.encode(), "api-secret": f"{SECRET} {SECRET}".encode()},
        "api-secret holds more than one word",
    ),
    "bytes": (
        {"api-key": b"\xff\xfe" + API_KEY.encode(), "api-secret": SECRET.encode()},
        "api-key holds bytes that are no text",
    ),
    "PEM under the other name": (
        {"api-key": API_KEY.encode(), "api-secret": FIX_EXAMPLE_KEY.encode()},
        "api-secret holds a PEM key: name it private-key",
    ),
    "a secret under the other name": (
        {"api-key": API_KEY.encode(), "private-key": SECRET.encode()},
        "private-key is no PEM file",
    ),
    "a public key": (
        {
            "api-key": API_KEY.encode(),
            "private-key": GENERATED.public_key().public_bytes(
                Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
            ),
        },
        "private-key holds a public key: that one is the exchange's",
    ),
    "RSA": (
        {"api-key": API_KEY.encode(), "private-key": rsa(PrivateFormat.PKCS8)},
        "(PEM: RSA or EC PRIVATE KEY), and no other kind is supported: make one with `openssl",
    ),
    "RSA as openssl once wrote it": (
        {"api-key": API_KEY.encode(), "private-key": rsa(PrivateFormat.TraditionalOpenSSL)},
        "private-key is no Ed25519 key (PEM: RSA PRIVATE KEY)",
    ),
    "EC": (
        {
            "api-key": API_KEY.encode(),
            "private-key": EC.private_bytes(
                Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
            ),
        },
        "private-key is no Ed25519 key (PEM: EC PRIVATE KEY)",
    ),
    "OpenSSH": (
        {"api-key": API_KEY.encode(), "private-key": pem_of(GENERATED, PrivateFormat.OpenSSH)},
        "private-key is no Ed25519 key (PEM: OPENSSH PRIVATE KEY)",
    ),
    "encrypted": (
        {
            "api-key": API_KEY.encode(),
            "private-key": pem_of(GENERATED, encryption=BestAvailableEncryption(b"password")),
        },
        "private-key is encrypted, and nobody is there to type a password: store it decrypted",
    ),
    "cut off": (
        {"api-key": API_KEY.encode(), "private-key": FIX_EXAMPLE_KEY[:60].encode()},
        "private-key cannot be read: it is cut off or changed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_will_not_do_is_refused_with_the_remedy_and_without_a_part_of_it(
    case: str,
) -> None:
    files, complaint = REFUSED[case]
    with pytest.raises(BadCredentials) as caught:
        read_key(files)

    assert complaint in str(caught.value)
    said = "".join(traceback.format_exception(caught.value))
    for content in files.values():
        for part in secrets_in(content):
            assert part not in said, case


def secrets_in(content: bytes) -> list[str]:
    """Cut a file's content into parts that nobody would write by chance."""
    text = content.decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if "-----" not in line]
    return [line[at : at + 12] for line in lines for at in range(0, max(len(line) - 12, 0), 12)]


@pytest.mark.parametrize("shown", [repr, str, lambda key: f"{key}", lambda key: f"{[key]}"])
def test_a_key_does_not_show(shown: Callable[[object], str]) -> None:
    for key in (ed25519(), HmacKey(API_KEY, SECRET)):
        assert API_KEY not in shown(key)
        assert SECRET not in shown(key)
        assert "MC4CAQ" not in shown(key)
