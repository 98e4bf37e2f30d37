"""The operator's configuration: one YAML file, read once at start."""

from pathlib import Path
from typing import Any

import yaml

from symbol_operator.settings import OperatorSettings, SettingsError, parse_settings
from tradingsymbol_api.documents import load_document


def load_settings(
    path: Path | None, *, namespaces: tuple[str, ...] = (), leader_image: str | None = None
) -> OperatorSettings:
    """Read the file at `path`, if any; `namespaces` and `leader_image` have precedence over it.

    Raises:
        SettingsError: the file is unreadable, or the whole is unusable.

    """
    document = _read(path) if path else {}
    if namespaces:
        document["namespaces"] = list(namespaces)
    if leader_image:
        document["leader"] = {**(document.get("leader") or {}), "image": leader_image}
    return parse_settings(document)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = load_document(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, ValueError) as exc:
        raise SettingsError(f"cannot read {path}: {exc}") from exc
    if not isinstance(document, dict):
        raise SettingsError(f"{path} holds no mapping of settings")
    return document
