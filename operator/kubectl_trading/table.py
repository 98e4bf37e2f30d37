"""Symbols as lines of a table. Pure."""

from collections.abc import Iterable, Sequence

from kubectl_trading.symbols import Symbol

HEADER = ("NAME", "REQUESTED", "READY", "TRADERS", "ORDERS", "PROFIT", "WHY")
NOTHING = "-"


def row(symbol: Symbol) -> tuple[str, ...]:
    """Return the cells of a symbol, as `HEADER` names them."""
    return (
        symbol.name,
        "deleting" if symbol.deleting else symbol.desired,
        "yes" if symbol.ready else "no",
        _number(symbol.traders),
        _orders(symbol),
        symbol.profit or NOTHING,
        symbol.why,
    )


def table(symbols: Iterable[Symbol], *, namespaces: bool) -> list[str]:
    """Lay symbols out, the header first; with a column for their namespaces if asked for."""
    rows = [HEADER, *(row(symbol) for symbol in symbols)]
    if namespaces:
        names = ("NAMESPACE", *(symbol.namespace for symbol in symbols))
        rows = [(name, *cells) for name, cells in zip(names, rows, strict=True)]
    return layout(rows)


def layout(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad all columns but the last to their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in rows
    ]


def _orders(symbol: Symbol) -> str:
    doubt = f", {symbol.in_doubt} in doubt" if symbol.in_doubt else ""
    return _number(symbol.open_orders) + doubt


def _number(value: int | None) -> str:
    return NOTHING if value is None else str(value)
