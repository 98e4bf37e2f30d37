"""A name for a set of files that changes when, and only when, they do."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

HASH_LENGTH = 12
"""Hexadecimal digits of a tag: 48 bits, plenty for the builds of one machine."""

_NOISE = frozenset({"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})


def content_hash(contents: Mapping[str, bytes]) -> str:
    """Make a tag for these contents, whatever order they come in."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        for part in (name.encode(), contents[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:HASH_LENGTH]


def files_below(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """Read the files at or below each path of `root`; an executable one is named so.

    Raises FileNotFoundError for a path that is not there.
    """
    return {
        file.relative_to(root).as_posix() + ("*" if file.stat().st_mode & 0o100 else ""): (
            file.read_bytes()
        )
        for path in paths
        for file in _files(root / path)
    }


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for child in sorted(path.iterdir()):
            if child.name not in _NOISE:
                yield from _files(child)
    elif path.exists():
        yield path
    else:
        raise FileNotFoundError(path)
