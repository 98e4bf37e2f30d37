"""Whether a Mermaid diagram is in the small part of the language that the pages use.

It is no parser of Mermaid: what it takes, Mermaid takes; what it refuses may be good Mermaid.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_NODE: Final = r'\w+(?:\["[^"]+"\]|\("[^"]+"\)|\(\["[^"]+"\]\)|\[\("[^"]+"\)\]|\{"[^"]+"\})?'
_TEXT: Final = r"[^;#]+"
"""Mermaid ends a line at a semicolon, and reads what follows `#` as a character's number."""

_FLOWCHART: Final = (
    rf'{_NODE}( (-->|<-->|---|-\.->)(\|"[^"]+"\|)? {_NODE})*',
    r'subgraph \w+(\["[^"]+"\])?',
    r"end",
)
GRAMMAR: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("flowchart LR", "flowchart TB", "flowchart TD"), _FLOWCHART),
    "sequenceDiagram": (
        rf"(participant|actor) \w+( as {_TEXT})?",
        rf"\w+(->>|-->>|-x|--x|-\)|--\))\w+: {_TEXT}",
        rf"[Nn]ote (over|left of|right of) \w+(,\w+)?: {_TEXT}",
        rf"(alt|else|opt|loop|par|and|critical|option|break) {_TEXT}",
        r"end",
    ),
    "stateDiagram-v2": (rf"(\w+|\[\*\]) --> (\w+|\[\*\])(: {_TEXT})?",),
}
"""First line of a diagram -> what its other lines may be."""
OPENING: Final = frozenset({"subgraph", "alt", "opt", "loop", "par", "critical", "break"})


def faults(diagram: str) -> Iterator[str]:
    """Yield what is not understood of a diagram, line by line, from 1."""
    kind, *lines = diagram.rstrip("\n").splitlines() or [""]
    if kind not in GRAMMAR:
        yield f"1: no such diagram: {kind!r}"
        return
    depth = 0
    for number, line in enumerate(map(str.strip, lines), 2):
        if line and not any(re.fullmatch(rule, line) for rule in GRAMMAR[kind]):
            yield f"{number}: not understood: {line!r}"
        depth += (line.partition(" ")[0] in OPENING) - (line == "end")
    if depth:
        yield f"{len(lines) + 1}: {'an `end` is missing' if depth > 0 else 'one `end` too many'}"
