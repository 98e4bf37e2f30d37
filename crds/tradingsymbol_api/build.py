"""Which build of this project runs."""

import os
import platform
from typing import Final

VERSION: Final = "0.1.0"
"""That of the project, as `pyproject.toml` has it: an image holds no package to ask for it."""
COMMIT_VARIABLE: Final = "BUILD_COMMIT"
"""Environment variable of an image with the commit that it was built from."""
UNKNOWN: Final = "unknown"


def build_info() -> dict[str, str]:
    """Return version, commit and Python of what runs; the commit is `unknown` where nobody told."""
    return {
        "version": VERSION,
        "commit": os.environ.get(COMMIT_VARIABLE) or UNKNOWN,
        "python": platform.python_version(),
    }
