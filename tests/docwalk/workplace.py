"""A copy of the repository that pages are walked in, so that they leave nothing behind."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
VENV: Final = ".venv"
CLUSTER: Final = ".cluster"
KEPT: Final = frozenset({VENV, CLUSTER})
"""What stays from page to page. The environment is the copy's own: the first page that asks for it
makes it, as a reader does. The cluster is that of the repository, by a link, for those who use it.
"""
NOT_OURS: Final = ("COVERAGE_", "MAKE", "MFLAGS", "PAPER_EXCHANGE_", "PYTEST_", "PYTHON", "SYMBOL_")
"""Beginnings of variables that a reader's shell does not have."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """The copy, in a folder of its own."""

    home: Path

    @property
    def clone(self) -> Path:
        """Return the copy of the repository."""
        return self.home / "trading-operator"

    def refresh(self) -> None:
        """Make it as the repository is now, whatever a page has left there."""
        self.clone.mkdir(exist_ok=True)
        for path in self.clone.iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name in list_files():
            target = self.clone / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # With its times: make compares them.
            shutil.copy2(PROJECT / name, target, follow_symlinks=False)

    def use_cluster(self) -> None:
        """Let the copy have the repository's cluster."""
        self.clone.mkdir(exist_ok=True)
        (self.clone / CLUSTER).symlink_to(PROJECT / CLUSTER)

    def environment(self) -> dict[str, str]:
        """Return what a reader's shell has: the copy's programs, else those of the repository."""
        ours = {name: text for name, text in os.environ.items() if not name.startswith(NOT_OURS)}
        programs = [str(folder / VENV / "bin") for folder in (self.clone, PROJECT)]
        return {**ours, "PATH": os.pathsep.join([*programs, os.environ["PATH"]])}

    def script(self, number: int, page: str, line: int, text: str) -> Path:
        """Write a block so that bash names the page, and the line that it has there."""
        path = self.home / str(number) / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n" * (line - 1) + text, encoding="utf-8")
        return path


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Make one; at the end it is gone."""
    with tempfile.TemporaryDirectory(prefix="trading-docs-") as folder:
        # Root's PostgreSQL runs as another account, which has to get here.
        Path(folder).chmod(0o755)
        yield Workplace(Path(folder))


def list_files() -> list[str]:
    """Return the files of the repository, those that are not committed yet included."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = subprocess.run(listing, cwd=PROJECT, capture_output=True, text=True, check=True)
    names = sorted(set(found.stdout.split("\0")) - {""})
    return [name for name in names if os.path.lexists(PROJECT / name)]
