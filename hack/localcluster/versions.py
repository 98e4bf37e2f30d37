"""Which version of a tool goes with which."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def version(text: str) -> tuple[int, int, int]:
    """Find the first version number in `text`; (0, 0, 0) where there is none."""
    match = _VERSION.search(text)
    if match is None:
        return (0, 0, 0)
    major, minor, patch = match.groups(default="0")
    return (int(major), int(minor), int(patch))


def kubectl_fits(client: tuple[int, int, int], server: tuple[int, int, int]) -> bool:
    """Kubernetes' version skew policy: kubectl is within one minor version of the API server."""
    return client[0] == server[0] and abs(client[1] - server[1]) <= 1
