"""Symbols as lines of a table. Pure."""

from collections.abc import Sequence
from datetime import datetime

from kubectl_trading.symbols import Symbol
from tradingsymbol_api.reading import Document, mapping, parse_time, text

HEADER = ("NAME", "REQUESTED", "READY", "TRADERS", "ORDERS", "PROFIT", "WHY")
WIDE = ("SYMBOL", "EXCHANGE", "ENVIRONMENT", "BUDGET", "CHUNKS", "NODE", "AGE")
"""What a wide table has besides, before the last column."""
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


def wide(symbol: Symbol, now: datetime) -> tuple[str, ...]:
    """Return the cells of a symbol, as `WIDE` names them."""
    spec = mapping(symbol.document, "spec")
    return (
        symbol.symbol,
        text(spec, "exchange") or NOTHING,
        text(symbol.document, "status", "environment") or NOTHING,
        str(spec.get("budget", NOTHING)),
        str(spec.get("chunks", NOTHING)),
        text(symbol.document, "status", "leader", "node") or NOTHING,
        created_age(symbol.document, now),
    )


def table(
    symbols: Sequence[Symbol], *, namespaces: bool, wide_at: datetime | None = None
) -> list[str]:
    """Lay symbols out, the header first; with a column for their namespaces if asked for.

    With the time `wide_at` it is a wide table, which tells their ages.
    """
    rows = [HEADER, *(row(symbol) for symbol in symbols)]
    if wide_at:
        more = [WIDE, *(wide(symbol, wide_at) for symbol in symbols)]
        rows = [(*c[:-1], *m, c[-1]) for c, m in zip(rows, more, strict=True)]
    if namespaces:
        names = ("NAMESPACE", *(symbol.namespace for symbol in symbols))
        rows = [(name, *cells) for name, cells in zip(names, rows, strict=True)]
    return layout(rows)


def created_age(document: Document, now: datetime) -> str:
    """Return how long ago a resource was created."""
    created = parse_time(text(document, "metadata", "creationTimestamp"))
    return age((now - created).total_seconds()) if created else NOTHING


def age(seconds: float) -> str:
    """Return a duration in its largest unit, as kubectl tells ages."""
    sizes = (("d", 86_400), ("h", 3_600), ("m", 60))
    fitting = ((unit, int(seconds // size)) for unit, size in sizes if seconds >= size)
    unit, count = next(fitting, ("s", max(0, int(seconds))))
    return f"{count}{unit}"


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
