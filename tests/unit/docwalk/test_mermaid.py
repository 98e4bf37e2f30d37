"""Diagrams: what is wrong with one is found, and nothing is wrong with those of the pages."""

import pytest

from docwalk.markdown import parse
from docwalk.mermaid import faults
from docwalk.workplace import PROJECT, list_files

GOOD = [
    """\
flowchart LR
    subgraph cluster["Kubernetes"]
        a["one<br>(two)"] -->|"does"| b[("record")]
    end
    c(["you"]) --> a <--> d
""",
    """\
sequenceDiagram
    participant A as the core
    A->>B: sends
    alt it answers
        B-->>A: ok
    else it does not
        Note over A,B: in doubt
    end
""",
    """\
stateDiagram-v2
    [*] --> open
    open --> filled: FILLED, GONE
    filled --> [*]
""",
]


@pytest.mark.parametrize("diagram", GOOD)
def test_what_the_pages_use_is_understood(diagram: str) -> None:
    assert list(faults(diagram)) == []


@pytest.mark.parametrize(
    ("diagram", "fault"),
    [
        ("", "1: no such diagram"),
        ("graph LR\n    a --> b", "1: no such diagram"),
        ("flowchart LR\n    a -> b", "2: not understood"),
        ('flowchart LR\n    a["one] --> b', "2: not understood"),
        ("flowchart LR\n    a[one (two)] --> b", "2: not understood"),
        ('flowchart LR\n    subgraph a["b"]\n    c --> d', "3: an `end` is missing"),
        ("sequenceDiagram\n    A->>B: one; two", "2: not understood"),
        ("sequenceDiagram\n    A->>B", "2: not understood"),
        ("sequenceDiagram\n    loop for ever\n    A->>B: x\n    end\n    end", "5: one `end` too"),
        ("stateDiagram-v2\n    open -> filled", "2: not understood"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(diagram: str, fault: str) -> None:
    assert next(faults(diagram)).startswith(fault)


def test_the_diagrams_of_the_pages_are_understood() -> None:
    pages = [name for name in list_files() if name.endswith(".md")]
    diagrams = [
        (name, token.content)
        for name in pages
        for token in parse((PROJECT / name).read_text("utf-8"))
        if token.type == "fence" and token.info == "mermaid"
    ]
    assert diagrams
    assert [(name, fault) for name, text in diagrams for fault in faults(text)] == []
