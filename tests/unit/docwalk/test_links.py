"""Links between pages and into the source: what is found wrong, and that nothing is."""

from pathlib import Path

import pytest

from docwalk.links import Link, anchors, dead_end, find_links
from docwalk.workplace import PROJECT, list_files

ARCHITECTURE = Path("docs/explanation/architecture.md")
QUESTIONS = {
    "When is a pod deleted?": {
        "operator/symbol_operator/decide/plan.py#TABLE",
        "operator/symbol_operator/decide/plan.py#plan",
    },
    "When does a rebuy start a trader?": {
        "trader_image/symbol_trader/core/traders/acting.py#Traders._judge_rebuy",
    },
    "When does an order count as absent?": {
        "trader_image/symbol_trader/core/evidence/queries.py#QueryEvidence.answered",
        "trader_image/symbol_trader/core/timing.py#Timing.bound_ms",
    },
    "Who may write spec.status?": {
        "manifests/base/leader-policy.yaml",
        "trader_image/symbol_trader/core/leader.py#Leader.drained",
    },
    "What does a buy cost at most?": {
        "trader_image/symbol_trader/core/traders/buying.py#begin",
        "trader_image/symbol_trader/core/traders/steps.py#Surroundings.spendable",
    },
}
"""What the architecture page answers, and where it leads for it, from the repository's root."""

SOURCE = """\
LIMIT: int = 3
TABLE = {}

class Outer:
    FIELD = 1
    class Inner:
        async def wait(self): ...

def decide(): ...
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "source.py").write_text(SOURCE)
    (tmp_path / "other page.md").write_text("# One\n## Two\n")
    (tmp_path / "a.yaml").write_text("")
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("# Here\n")
    return page


def why(page: Path, target: str) -> str:
    return dead_end(page, Link(1, target, ""))


@pytest.mark.parametrize(
    "target",
    [
        *("../source.py", "../docs", "../other%20page.md#two", "#here", "../a.yaml"),
        *("LIMIT", "TABLE", "Outer", "Outer.FIELD", "Outer.Inner.wait", "decide"),
    ],
)
def test_a_link_leads_to_a_file_a_heading_or_a_definition(page: Path, target: str) -> None:
    assert why(page, target if target[0] in "#." else f"../source.py#{target}") == ""


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("gone.md", "no such file"),
        ("#three", "no such heading"),
        ("../other%20page.md#here", "no such heading"),
        ("../source.py#limit", "no such definition"),
        ("../source.py#wait", "no such definition"),
        ("../source.py#Outer.wait", "no such definition"),
        ("../a.yaml#spec", "has none"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(page: Path, target: str, reason: str) -> None:
    assert reason in why(page, target)


def test_headings_have_the_anchors_that_github_makes() -> None:
    text = "# `make demo`: see it!\n## On, off\n## On, off\n## A [link](b.md) + with_it\nc\n===\n"
    expected = {"make-demo-see-it", "on-off", "on-off-1", "a-link--with_it", "c"}
    assert anchors(text) == expected
    assert anchors("```text\n# no heading\n```\n") == set()


def test_links_are_found_with_what_is_around_them() -> None:
    text = """\
A [link](a.md) and ![an image](b.png),
<https://example.com> and [another][1].

| x | y |
|---|---|
| one | [`two`](c.py#two) |

```text
[no link](d.md)
```

[1]: e.md#f
"""
    assert find_links(text) == [
        Link(1, "a.md", "A link and , https://example.com and another."),
        Link(1, "b.png", "A link and , https://example.com and another."),
        Link(1, "e.md#f", "A link and , https://example.com and another."),
        Link(6, "c.py#two", "one two"),
    ]


@pytest.mark.parametrize("name", [name for name in list_files() if name.endswith(".md")])
def test_no_link_leads_nowhere(name: str) -> None:
    page = PROJECT / name
    found = [(link, dead_end(page, link)) for link in find_links(page.read_text("utf-8"))]
    assert [f"{name}:{link.line}: {link.target}: {why}" for link, why in found if why] == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_architecture_answers_with_links_to_what_decides(question: str) -> None:
    page = PROJECT / ARCHITECTURE
    answers = [link for link in find_links(page.read_text("utf-8")) if question in link.around]
    assert {at_root(page, link) for link in answers} >= QUESTIONS[question]


def test_the_readme_leads_to_the_architecture() -> None:
    page = PROJECT / "README.md"
    links = find_links(page.read_text("utf-8"))
    assert str(ARCHITECTURE) in {at_root(page, link) for link in links}


def at_root(page: Path, link: Link) -> str:
    """Return a link's target from the repository's root."""
    name, separator, anchor = link.target.partition("#")
    return f"{(page.parent / name).resolve().relative_to(PROJECT)}{separator}{anchor}"
