"""What the pages show of tables in the code is what the tables say."""

import re
from pathlib import Path

import pytest

import generated_docs
from generated_docs import DOCS, GENERATED, fill, main
from symbol_operator.decide.plan import TABLE
from symbol_trader.core.order_states import TRANSITIONS

PAGES = sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_shows_what_the_tables_say(path: Path) -> None:
    text = path.read_text("utf-8")
    assert fill(text) == text, "run `make docs-generated`"


@pytest.mark.parametrize("name", GENERATED)
def test_each_table_has_one_place(name: str) -> None:
    places = [path for path in PAGES if f"<!-- generated: {name} -->\n" in path.read_text("utf-8")]
    assert len(places) == 1


def test_each_transition_is_drawn_or_listed() -> None:
    text = generated_docs.order_states()
    arrows = {
        (before, after): set(news.split(", "))
        for before, after, news in re.findall(r"(\w+) --> (\w+): (.+)", text)
    }
    stays = {
        (state, state): set(news.split(", ")) - {"nothing"}
        for state, news in re.findall(r"^\| (\w+) \| ([A-Z].*|nothing) \|$", text, re.MULTILINE)
    }
    shown = {
        (before, news, after)
        for (before, after), several in (arrows | stays).items()
        for news in several
    }
    assert shown == {(a, news.name, b) for (a, news), b in TRANSITIONS.items()}


def test_each_state_of_a_pod_has_a_row_with_its_steps() -> None:
    rows = [line.strip("| ").split(" | ") for line in generated_docs.operator_plan().splitlines()]
    shown = {state: cells for states, *cells in rows[2:] for state in states.split(", ")}
    first = {state: [cell.partition(",")[0] for cell in cells] for state, cells in shown.items()}
    assert first == {state: list(steps) for state, steps in TABLE.items()}
    assert shown["running"] == [
        *("keep, or update", "delete", "keep, or update", "keep, or update", "delete"),
    ]


def test_a_stale_page_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n\n<!-- generated: plan -->\nold\n<!-- end -->\n\nb\n")
    monkeypatch.setattr(generated_docs, "DOCS", tmp_path)
    main()
    table = generated_docs.operator_plan()
    expected = f"a\n\n<!-- generated: plan -->\n\n{table}\n<!-- end -->\n\nb\n"
    assert page.read_text() == expected == fill(expected)


def test_a_place_for_what_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing"):
        fill("<!-- generated: nothing -->\n<!-- end -->\n")
