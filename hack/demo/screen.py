"""How a snapshot looks: a screen for a terminal, a line for a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.snapshot import Order, Snapshot

ENDED = "the recording has ended: the exchange stops trading and goes on answering"
_ROW = "  {:6}{:>14}{:>14}{:>14}  {}"


def screen(seen: Snapshot, title: str, close: str, width: int, height: int) -> list[str]:
    """Lay out a snapshot; no line is longer, nor are there more, than the terminal shows.

    `close` says how to end the view.
    """
    head = [*_summary(seen, title), "", *_orders(seen.book.orders), ""]
    tail = ["", close]
    room = max(0, height - len(head) - len(tail))
    story = [f"  {line}" for line in seen.story][-room:] if room else []
    return [line[:width] for line in [*head, *story, *tail]][:height]


def line(seen: Snapshot) -> str:
    """Say the same in one line."""
    parts = [
        f"requested {seen.requested}",
        "ready" if seen.ready else "not ready",
        *_figures(seen),
        *(f"{order.side} {order.price} {_filled(order)}" for order in seen.book.orders),
        *seen.problems,
        *([ENDED] if seen.ended else []),
    ]
    return "; ".join(parts)


def _summary(seen: Snapshot, title: str) -> list[str]:
    ready = "ready" if seen.ready else "not ready"
    return [
        title + (f" — {ENDED}" if seen.ended else ""),
        f"requested {seen.requested} · {ready} · leader {seen.leader}",
        " · ".join(_figures(seen)),
        *(f"! {problem}" for problem in seen.problems),
    ]


def _figures(seen: Snapshot) -> list[str]:
    return [
        f"traders {seen.traders}",
        f"open orders {seen.open_orders}",
        f"finished cycles {seen.book.finished}",
        f"profit {seen.profit} {seen.quote}".rstrip(),
    ]


def _orders(orders: Sequence[Order]) -> list[str]:
    return [
        _ROW.format("side", "price", "quantity", "filled", "trader"),
        *(
            _ROW.format(each.side, each.price, each.quantity, each.executed, each.trader)
            for each in orders
        ),
    ]


def _filled(order: Order) -> str:
    return f"{order.executed}/{order.quantity}"
