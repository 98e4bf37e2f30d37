"""Where the results of shards are kept: beside the checkout's files, by the state of the tree.

`.crash-matrix/<commit>/<i>-of-<n>.jsonl` has a line for each case that has ended. A tree with local
changes is another state, with a folder of its own: `<commit>-dirty-<tree>`.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from crash.shards import Result, Shard, results, whole_lines

FOLDER = ".crash-matrix"
DIGITS = 12


class Unusable(Exception):  # noqa: N818 - a state of the checkout
    """Results cannot be kept here; the text says why."""


def tree_state(root: Path) -> str:
    """Return the name of what a checkout has: its commit, and the tree if that differs.

    Raises `Unusable` where there is no commit.
    """
    with tempfile.TemporaryDirectory(prefix="index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        commit, committed = _git(root, "rev-parse", "HEAD", "HEAD^{tree}").split()
        _git(root, "read-tree", "HEAD", **index)
        _git(root, "add", "--all", **index)
        tree = _git(root, "write-tree", **index)
    name = commit[:DIGITS]
    return name if tree == committed else f"{name}-dirty-{tree[:DIGITS]}"


def _git(root: Path, *arguments: str, **environment: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=root, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise Unusable(f"a shard's results are kept by commit: git: {ran.stderr.strip()}")
    return ran.stdout.strip()


class Ledger:
    """The results of one shard at one state of the tree, which grow while it runs."""

    def __init__(self, file: TextIO, folder: Path) -> None:
        self._file = file
        self._folder = folder
        text = file.read()
        file.truncate(len(whole_lines(text).encode()))
        file.seek(0, os.SEEK_END)
        self.done = results(text)

    def add(self, result: Result) -> None:
        """Keep a result, also if this process is killed right after."""
        self._file.write(result.line())
        self._file.flush()
        self.done[result.case] = result

    def of_all_shards(self) -> list[Result]:
        """Return the results of all shards at this state, however many there are of them."""
        files = sorted(self._folder.glob("*.jsonl"))
        return [result for file in files for result in results(file.read_text()).values()]


@contextmanager
def opened(root: Path, state: str, shard: Shard) -> Iterator[Ledger]:
    """Open a shard's results. Raises `Unusable` while another process does."""
    folder = root / FOLDER / state
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / shard.file_name
    path.touch()
    with path.open("r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unusable(f"shard {shard} is running: {path} is in use") from None
        yield Ledger(file, folder)
