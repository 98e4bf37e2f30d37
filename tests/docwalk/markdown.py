"""Markdown as GitHub reads it, as far as the checks need it."""

from markdown_it import MarkdownIt
from markdown_it.token import Token


def parse(text: str) -> list[Token]:
    """Return the blocks of a page, in order."""
    return MarkdownIt().enable("table").parse(text)
