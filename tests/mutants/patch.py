"""A mutant: a unified diff that removes one guard, with the test that has to notice. Pure.

Its header says which guard, which test, and what the failure has to say. Line numbers are ignored:
a hunk applies where its old lines stand, and they must stand there exactly once.
"""

import re
from dataclasses import dataclass

HEADER = re.compile(r"^(Guard|Test|Fails): (.+)$", re.MULTILINE)
FILE = re.compile(r"^--- a/(.+)\n\+\+\+ b/\1\n", re.MULTILINE)
HUNK = re.compile(r"^@@ .*@@.*\n", re.MULTILINE)


class DoesNotApply(Exception):  # noqa: N818 - a state of the tree
    """The tree has moved on from what a patch was made for; the text says which and where."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard that a patch removes, and how that is noticed."""

    name: str
    guard: str
    test: str
    fails: str
    """A regular expression that the failure's text must match: its reason."""
    edits: tuple[tuple[str, str, str], ...]
    """(path, old lines, new lines), in the order of the patch."""

    @classmethod
    def parse(cls, name: str, text: str) -> "Mutant":
        """Read a patch. Raises `ValueError` where a part of it is missing."""
        head, *parts = FILE.split(text)
        header = dict(HEADER.findall(head))
        if set(header) != {"Guard", "Test", "Fails"}:
            raise ValueError(f"{name}: its header needs Guard, Test and Fails")
        edits = tuple(
            (path, _side(hunk, " -"), _side(hunk, " +"))
            for path, body in zip(parts[::2], parts[1::2], strict=True)
            for hunk in HUNK.split(body)[1:]
        )
        if not edits or any(old == new for _, old, new in edits):
            raise ValueError(f"{name}: it changes nothing")
        return cls(name, header["Guard"], header["Test"], header["Fails"], edits)

    def apply(self, files: dict[str, str]) -> dict[str, str]:
        """Return the files as the patch leaves them. Raises `DoesNotApply`."""
        changed = dict(files)
        for path, old, new in self.edits:
            found = changed.get(path, "").count(old)
            if found != 1:
                raise DoesNotApply(f"{self.name}: {path} has these lines {found} times:\n{old}")
            changed[path] = changed[path].replace(old, new)
        return changed

    @property
    def paths(self) -> frozenset[str]:
        """Return the files that the patch changes."""
        return frozenset(path for path, _, _ in self.edits)


def _side(hunk: str, marks: str) -> str:
    """Return one side of a hunk: the lines with one of the marks, without it."""
    return "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[0] in marks)
