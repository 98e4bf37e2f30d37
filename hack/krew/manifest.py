"""The manifest, from which krew learns what to install. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from krew.archive import PROGRAM
from krew.platforms import PYTHONS, Platform

NAME: Final = "trading-symbols"
DESCRIPTION: Final = """\
Switches symbols of the trading operator on and off, shuts them down, shows what they do, and
explains what is in the way: conditions, Events, and the story that the leader tells. Compares the
exchange with the record. Needs the TradingSymbol resource and its operator in the cluster.
"""
CAVEATS: Final = f"""\
Needs python3 on PATH, one of {", ".join(PYTHONS)}.
The documentation calls it `kubectl trading`: here it is `kubectl {NAME}`.
"""


def manifest(version: str, url: str, digests: Mapping[Platform, str]) -> dict[str, Any]:
    """Return the manifest for archives below `url`, by the SHA-256 of each."""
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": NAME},
        "spec": {
            "version": f"v{version}",
            "homepage": url,
            "shortDescription": "Start, stop and explain TradingSymbols",
            "description": DESCRIPTION,
            "caveats": CAVEATS,
            "platforms": [
                {
                    "selector": {"matchLabels": {"os": each.system, "arch": each.machine}},
                    "uri": f"{url}/{archive_name(version, each)}",
                    "sha256": digest,
                    "bin": PROGRAM,
                }
                for each, digest in digests.items()
            ],
        },
    }


def archive_name(version: str, platform: Platform) -> str:
    """Return the name of an archive's file."""
    return f"kubectl-{NAME}-v{version}-{platform}.tar.gz"
