"""What a page asks of the walk: its shell blocks, in order, and what its comments say of them.

A shell block's info string says how it is run, exactly as it is printed:

    sh            by `make docs`, without a cluster
    sh cluster    on the local cluster, with what `make demo` installs
    sh manual     not at all; a comment right before it says why

Comments that begin with `docs:` are read by the walk. At the beginning of a page:

    <!-- docs: needs COMMAND -->                run this before the page's `sh` blocks
    <!-- docs: cluster needs COMMAND -->        run this before its `sh cluster` blocks

Right before a block whose last command runs until it is ended:

    <!-- docs: interrupt after 'TEXT' -->       press Ctrl-C once it has printed TEXT
    <!-- docs: keeps running after 'TEXT' -->   leave it in its shell once it has printed TEXT: the
                                                blocks that follow run in another shell, and Ctrl-C
                                                ends it after the last of them
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from markdown_it.token import Token

from docwalk.markdown import parse

ALIKE: Final = frozenset({"bash", "console", "shell", "shell-session", "zsh"})
"""Other languages of shell blocks: one convention is enough."""
COMMANDS: Final = frozenset(
    {"$", "cat", "cd", "cp", "curl", "docker", "eval", "export", "git", "helm", "kind", "kubectl"}
    | {"make", "mkdir", "paper-exchange", "pip", "pipx", "psql", "python", "python3", "sudo"}
    | {"symbol-operator", "symbol-trader", "kubectl-trading"}
)
"""A block without an info string that begins with one of these is a shell block."""

_COMMENT: Final = re.compile(r"\s*<!--(.*?)-->\s*", re.DOTALL)
_NEEDS: Final = re.compile(r"(cluster )?needs (\S.*)", re.DOTALL)
_ENDING: Final = re.compile(r"(interrupt|keeps running) after '([^'\n]+)'")


class Kind(StrEnum):
    """How a shell block is run: the info string."""

    LOCAL = "sh"
    CLUSTER = "sh cluster"
    MANUAL = "sh manual"


_KINDS: Final = ", ".join(f"`{kind}`" for kind in Kind)
_RUN: Final = (Kind.LOCAL, Kind.CLUSTER)


class Ending(StrEnum):
    """How a command ends that does not end by itself."""

    INTERRUPT = "interrupt"
    KEEPS_RUNNING = "keeps running"


@dataclass(frozen=True, slots=True)
class Await:
    """A text that a command prints, and what follows."""

    ending: Ending
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A shell block."""

    line: int
    """Where its first command is on the page, from 1."""
    kind: Kind
    text: str
    awaits: Await | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A command that a walk over a page begins with."""

    kind: Kind
    block: Block


@dataclass(frozen=True, slots=True)
class Page:
    """A page, by its path from the repository's root."""

    path: str
    blocks: tuple[Block, ...]
    needs: tuple[Need, ...]
    faults: tuple[str, ...]
    """What is wrong with its blocks and comments: `path:line: what`."""

    def walk(self, kind: Kind) -> list[Block]:
        """Return what is run of a kind, in order; nothing if the page has no such block."""
        blocks = [block for block in self.blocks if block.kind is kind]
        return [need.block for need in self.needs if need.kind is kind and blocks] + blocks


class _FaultError(Exception):
    """Something is wrong with a block or a comment."""


def read_pages(root: Path) -> list[Page]:
    """Read the pages that are walked, in the order in which a newcomer meets them."""
    folders = [root / "docs" / name for name in ("tutorial", "how-to", "reference", "explanation")]
    ordered = [path for folder in folders for path in sorted(folder.rglob("*.md"))]
    others = sorted(set((root / "docs").rglob("*.md")) - set(ordered))
    first = [path for path in (root / "README.md", root / "CONTRIBUTING.md") if path.exists()]
    texts = {path: path.read_text(encoding="utf-8") for path in first + ordered + others}
    return [read_page(str(path.relative_to(root)), text) for path, text in texts.items()]


def read_page(path: str, text: str) -> Page:
    """Read a page's Markdown; what is wrong with it is among its `faults`."""
    blocks: list[Block] = []
    needs: list[Need] = []
    faults: list[str] = []
    tokens = _tokens(text)
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        try:
            if token.type == "fence":
                blocks += _read_block(token, _comment(before))
            else:
                needs += _read_comment(token, after, is_first=not blocks)
        except _FaultError as fault:
            faults.append(f"{path}:{_line(token)}: {fault}")
    return Page(path, tuple(blocks), tuple(needs), tuple(faults))


def _tokens(text: str) -> list[Token]:
    """Return what has a place of its own on a page, without what only opens or closes."""
    return [token for token in parse(text) if token.content.strip()]


def _line(token: Token) -> int:
    assert token.map is not None
    return token.map[0] + 1


def _comment(token: Token | None) -> str:
    """Return what a comment says; nothing if it is none."""
    found = _COMMENT.fullmatch(token.content) if token and token.type == "html_block" else None
    return " ".join(found[1].split()) if found else ""


def _read_block(token: Token, comment: str) -> Iterator[Block]:
    info = token.info.strip()
    language, _, _ = info.partition(" ")
    if language in ALIKE or (not info and _is_command(token.content)):
        raise _FaultError(f"a shell block is one of {_KINDS}; this is {info!r}")
    if language != "sh":
        return
    if info not in list(Kind):
        raise _FaultError(f"no such kind of block: {info!r}; there are {_KINDS}")
    yield Block(_line(token) + 1, Kind(info), token.content, _awaits(Kind(info), comment))


def _awaits(kind: Kind, comment: str) -> Await | None:
    rule = _rule(comment)
    if kind is Kind.MANUAL and (not comment or rule is not None):
        raise _FaultError("a block that is not run has a comment right before it that says why")
    ending = _ENDING.fullmatch(rule or "")
    return Await(Ending(ending[1]), ending[2]) if ending else None


def _rule(comment: str) -> str | None:
    """Return what a comment tells the walk; None if it is for people."""
    return comment.removeprefix("docs:").strip() if comment.startswith("docs:") else None


def _read_comment(token: Token, after: Token | None, *, is_first: bool) -> Iterator[Need]:
    rule = _rule(_comment(token))
    if rule is None:
        return
    if found := _NEEDS.fullmatch(rule):
        if not is_first:
            raise _FaultError("what a page needs stands before its first block")
        kind = Kind.CLUSTER if found[1] else Kind.LOCAL
        yield Need(kind, Block(_line(token), kind, f"{found[2]}\n"))
    elif not _ENDING.fullmatch(rule):
        raise _FaultError(f"not understood: {rule!r}")
    elif after is None or after.info.strip() not in _RUN:
        raise _FaultError(f"no block that is run comes right after: {rule!r}")


def _is_command(text: str) -> bool:
    first = text.split(maxsplit=1)[0]
    return first in COMMANDS or first.startswith(".venv/bin/")
