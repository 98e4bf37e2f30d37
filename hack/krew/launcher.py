#!/usr/bin/env python3
"""Starts `kubectl trading` from the folder that krew has unpacked."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
COMPILED = HOME / f"lib-{PYTHON}"

if not COMPILED.is_dir():
    there = ", ".join(sorted(path.name[len("lib-") :] for path in HOME.glob("lib-*")))
    sys.exit(f"this plug-in needs Python {there}, and python3 is Python {PYTHON}")
sys.path[:0] = [str(HOME / "lib"), str(COMPILED)]

from kubectl_trading.__main__ import run  # noqa: E402 - it is found there

run()
