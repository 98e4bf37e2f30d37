"""Whoever silences a check says why, on the same line."""

import re
import tokenize
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FOLDERS = ("crds", "operator", "trader_image", "hack", "tests")
SILENCED = re.compile(r"#\s*((ruff:\s*)?noqa|type:\s*ignore)\b")
REASONED = re.compile(
    r"""\#\s*(
        (ruff:\s)?noqa:\s[A-Z]+[0-9]+(,\s?[A-Z]+[0-9]+)*\s-\s\S+
        | type:\signore\[[a-z, -]+\]\s\s\#\s\S+
    )""",
    re.VERBOSE,
)


def unreasoned(text: str) -> list[str]:
    """Return the comments that silence a check and say no reason."""
    lines = iter(text.splitlines(keepends=True))
    comments = [
        token.string
        for token in tokenize.generate_tokens(lambda: next(lines, ""))
        if token.type == tokenize.COMMENT
    ]
    return [each for each in comments if SILENCED.search(each) and not REASONED.search(each)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_silenced_check_has_its_reason(folder: str) -> None:
    found = {
        str(path.relative_to(PROJECT)): comments
        for path in (PROJECT / folder).rglob("*.py")
        if (comments := unreasoned(path.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: S608",
        "# noqa: S608, S603 -",
        "# ruff: noqa: S608",
        "# type: ignore",
        "# type: ignore[misc]",
    ],
)
def test_a_comment_without_a_reason_is_found(comment: str) -> None:
    assert unreasoned(f"x = 1  {comment}\n") == [comment]


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: S608, S603 - constants alone\n",
        "x = 1  # type: ignore[arg-type, misc]  # a stand-in\n",
        "x = '# noqa'\n",
    ],
)
def test_a_reason_is_enough(line: str) -> None:
    assert unreasoned(line) == []
