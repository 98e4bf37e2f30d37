"""The shape of the source, read from its syntax trees."""

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("crds", "hack", "operator", "trader_image")
METHODS_MAX = 30
"""Methods of a class, properties included: beyond that it has more than one reason to change."""
LINES_MAX = 400

FILES = {folder: sorted((ROOT / folder).rglob("*.py")) for folder in FOLDERS}


@pytest.mark.parametrize(
    "path", [*chain(*FILES.values())], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_file_and_no_class_is_too_large(path: Path) -> None:
    assert list(too_large(path.read_text())) == []


def test_what_is_too_large_is_found_and_named() -> None:
    methods = "".join(f"    async def m{n}(self): ...\n" for n in range(METHODS_MAX))
    small = f"class Small:\n{methods}"
    large = (
        f"class Large:\n    class Inner:\n        @property\n        def p(self): ...\n{methods}"
    )
    assert list(too_large(small)) == []
    assert list(too_large(large)) == []
    assert list(too_large(f"{large}    def one_more(self): ...\n")) == ["Large has 31 methods"]
    assert list(too_large("\n" * LINES_MAX)) == []
    assert list(too_large("\n" * (LINES_MAX + 1))) == ["the file has 401 lines"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_there_is_source(folder: str) -> None:
    assert len(FILES[folder]) > 10


def test_the_ports_are_protocols_and_nothing_else() -> None:
    tree = ast.parse((ROOT / "trader_image" / "symbol_trader" / "ports.py").read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    others = [node for node in tree.body if not isinstance(node, ast.ClassDef)]
    names = {node.name for node in classes}
    assert names == {
        "AccountLimits",
        "Exchange",
        "Market",
        "Ownership",
        "Record",
        "Resource",
    }
    assert all([ast.unparse(base) for base in node.bases] == ["Protocol"] for node in classes)
    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in others)


def too_large(source: str) -> Iterator[str]:
    """Say what is larger than it may be."""
    lines = len(source.splitlines())
    if lines > LINES_MAX:
        yield f"the file has {lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            own = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            if len(own) > METHODS_MAX:
                yield f"{node.name} has {len(own)} methods"
