"""What pages show of the code, tables and help: `python -m generated_docs` writes it into them.

A page has a place for it, which holds nothing else:

    <!-- generated: NAME -->
    <!-- end -->
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from kubectl_trading.__main__ import main as plugin
from kubectl_trading.options import SPOKEN
from symbol_operator.decide.plan import COLUMNS, Desired, plan
from symbol_operator.observe.pod import LeaderPod, PodState
from symbol_trader.core.order_states import TRANSITIONS
from symbol_trader.core.orders import OrderState

DOCS: Final = Path(__file__).parents[1] / "docs"
_PLACE: Final = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
HELP_WIDTH: Final = 100
"""Columns of the terminal whose help is shown."""
_NOW: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""Any time will do: without failed pods nothing depends on it."""


def order_states() -> str:
    """Draw an order's states, and list what leaves each as it is."""
    changes: defaultdict[tuple[OrderState, OrderState], list[str]] = defaultdict(list)
    for (state, news), after in TRANSITIONS.items():
        changes[state, after].append(news.name)
    left = {state for state, after in changes if state != after}
    lines = [
        "    [*] --> intent",
        *(f"    {a} --> {b}: {', '.join(n)}" for (a, b), n in changes.items() if a != b),
        *(f"    {state} --> [*]" for state in OrderState if state not in left),
    ]
    rows = [(state, ", ".join(changes[state, state]) or "nothing") for state in OrderState]
    drawn = ["```mermaid", "stateDiagram-v2", *lines, "```", ""]
    return "\n".join(drawn) + "\n" + _table(("state", "what leaves it as it is"), rows)


def operator_plan() -> str:
    """List what the operator does about a leader pod, by its state and by what is asked for."""
    rows: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for state in PodState:
        rows[tuple(_steps(desired, state) for desired in COLUMNS)].append(state)
    return _table(
        ("pod", *COLUMNS), [(", ".join(states), *cells) for cells, states in rows.items()]
    )


def _steps(desired: Desired, state: PodState) -> str:
    """Ask for the step, and for that of a leader whose configuration may be updated now."""
    pod = LeaderPod(state, uid="uid")
    found = [plan(desired, pod, now=_NOW, update=update).step for update in (False, True)]
    return ", or ".join(dict.fromkeys(found))


def kubectl_trading() -> str:
    """Show the help of `kubectl trading`, and of each of its commands."""
    root = click.Context(
        plugin, info_name=SPOKEN, terminal_width=HELP_WIDTH, **plugin.context_settings
    )
    sections = [_help(root)]
    for name in plugin.list_commands(root):
        command = click.Context(plugin.commands[name], parent=root, info_name=name)
        sections.append(f"### {name}\n\n{_help(command)}")
    return "\n".join(sections)


def _help(context: click.Context) -> str:
    with context.scope():
        return f"```text\n{context.get_help()}\n```\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "kubectl-trading": kubectl_trading,
    "order-states": order_states,
    "plan": operator_plan,
}


def fill(text: str) -> str:
    """Return a page with what is generated in its places.

    Raises:
        KeyError: a place has a name that there is not.

    """
    return _PLACE.sub(lambda place: f"{place[1]}\n{GENERATED[place[2]]()}\n{place[3]}", text)


def main() -> None:
    """Write the pages anew that are not as they should be."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if fill(text) != text:
            path.write_text(fill(text), encoding="utf-8")


if __name__ == "__main__":
    main()
