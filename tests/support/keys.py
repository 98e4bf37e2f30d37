"""Keys for tests: made once, written as a person does, registered as the exchange wants them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

HMAC, ED25519 = "hmac", "ed25519"
KINDS = (HMAC, ED25519)
SECRET = "a-secret-that-must-not-show-anywhere"


@dataclass(frozen=True)
class MadeKey:
    """A key of one of the two kinds."""

    kind: str
    name: str
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def files(self) -> Mapping[str, bytes]:
        """Return what the Secret holds."""
        if self.kind == HMAC:
            return {"api-key": self.name.encode(), "api-secret": SECRET.encode()}
        pem = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {"api-key": self.name.encode(), "private-key": pem}

    @property
    def registered(self) -> dict[str, str]:
        """Return it as an accounts file of the paper exchange has it."""
        if self.kind == HMAC:
            return {"apiKey": self.name, "secret": SECRET}
        spki = PublicFormat.SubjectPublicKeyInfo
        pem = self.private.public_key().public_bytes(Encoding.PEM, spki)
        return {"apiKey": self.name, "publicKey": pem.decode()}

    @property
    def parts(self) -> list[str]:
        """Return what must not show: its name, and each line of what is secret, cut in pieces."""
        lines = [self.name]
        for name, content in self.files.items():
            if name != "api-key":
                lines += [line for line in content.decode().splitlines() if "-----" not in line]
        return [line[at : at + 16] for line in lines for at in range(0, len(line) - 15, 16)]

    def write(self, folder: Path) -> Path:
        """Write its files, and no others, into a folder; return that."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder


def account_of(name: str, *keys: MadeKey, **more: Any) -> dict[str, Any]:
    """Return an account of the paper exchange."""
    registered = [key.registered for key in keys]
    return {"name": name, "keys": registered, "balances": {"USDT": "1000"}, **more}
