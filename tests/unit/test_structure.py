"""The shape of the trader image's source, read from its syntax trees."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "trader_image"


def test_the_ports_are_protocols_and_nothing_else() -> None:
    tree = ast.parse((SOURCE / "symbol_trader" / "ports.py").read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    others = [node for node in tree.body if not isinstance(node, ast.ClassDef)]
    assert {name.name for name in classes} == {
        "Exchange",
        "Market",
        "Ownership",
        "Record",
        "Resource",
    }
    assert all([ast.unparse(base) for base in node.bases] == ["Protocol"] for node in classes)
    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in others)
