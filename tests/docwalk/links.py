"""Links of Markdown pages within the repository: which lead nowhere.

A link leads to a file or a folder. Behind `#` it names a heading of a Markdown page, as GitHub
names it, or a definition of a Python file: `name`, `Class.name`, for a constant too.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from markdown_it.token import Token

from docwalk.markdown import parse

_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_DROPPED: Final = re.compile(r"[^\w\- ]")
"""What GitHub leaves out of a heading's anchor."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link within the repository."""

    line: int
    """Where the paragraph, item or row with it begins, from 1."""
    target: str
    around: str
    """The text of that paragraph, item or row."""


def find_links(text: str) -> list[Link]:
    """Return a page's links within the repository."""
    return [
        Link(token.map[0] + 1 if token.map else 1, target, row)
        for token, row in _inline(parse(text))
        for target in _targets(token)
        if not _ELSEWHERE.match(target)
    ]


def dead_end(page: Path, link: Link) -> str:
    """Return why a link of a page leads nowhere; nothing if it leads somewhere."""
    name, _, anchor = unquote(link.target).partition("#")
    path = (page.parent / name).resolve() if name else page
    if not path.exists():
        return "there is no such file"
    if not anchor:
        return ""
    if path.suffix == ".md":
        return "" if anchor in anchors(path.read_text("utf-8")) else "there is no such heading"
    if path.suffix == ".py":
        return "" if anchor in definitions(path) else "there is no such definition"
    return "it names a place in a file that has none"


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for opening, heading in pairwise(parse(text)):
        if opening.type == "heading_open":
            slug = _DROPPED.sub("", _plain(heading).strip().lower()).replace(" ", "-")
            repeated = (f"{slug}-{number}" for number in range(1, len(found) + 1))
            found.add(slug if slug not in found else next(s for s in repeated if s not in found))
    return found


@cache
def definitions(path: Path) -> frozenset[str]:
    """Return what a Python file defines, members of classes with the class before a dot."""
    return frozenset(_defined(ast.parse(path.read_text("utf-8")).body, ""))


def _defined(body: Sequence[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _defined(node.body, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name


def _inline(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Yield each piece of text with that around it: the row of a table, else the piece itself."""
    row: list[Token] = []
    in_row = False
    for token in tokens:
        if token.type in {"tr_open", "tr_close"}:
            text = " ".join(_plain(cell) for cell in row)
            yield from ((cell, text) for cell in row)
            row, in_row = [], token.type == "tr_open"
        elif token.type == "inline" and in_row:
            row.append(token)
        elif token.type == "inline":
            yield token, _plain(token)


def _targets(token: Token) -> Iterator[str]:
    for child in token.children or ():
        target = child.attrGet("href" if child.type == "link_open" else "src")
        if target is not None:
            yield str(target)


def _plain(token: Token) -> str:
    """Return the text that a reader sees."""
    shown = {"text", "code_inline", "softbreak", "text_special"}
    parts = (child for child in token.children or () if child.type in shown)
    return "".join(" " if part.type == "softbreak" else part.content for part in parts)
