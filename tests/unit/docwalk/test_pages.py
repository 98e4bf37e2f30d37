"""How a page says what is run of it, and that the pages do."""

from pathlib import Path

import pytest

from docwalk.pages import Await, Block, Ending, Kind, Page, read_page, read_pages
from docwalk.workplace import PROJECT

PAGE = """\
<!-- docs: needs make setup -->
<!-- docs: cluster needs kubectl get nodes -->
# Title

```sh
make style
```

1. In a list:
   <!-- docs: interrupt after 'it trades' -->
   ```sh
   make try
   ```

```sh cluster
kubectl get tsym
```

<!-- It never ends. -->

```sh manual
sleep infinity
```

```text
make try
```

```
XRPUSDT on
```
"""


def test_the_blocks_of_a_page_are_read_with_what_is_said_of_them() -> None:
    page = read_page("a.md", PAGE)
    assert page.faults == ()
    assert page.walk(Kind.LOCAL) == [
        Block(1, Kind.LOCAL, "make setup\n"),
        Block(6, Kind.LOCAL, "make style\n"),
        Block(12, Kind.LOCAL, "make try\n", Await(Ending.INTERRUPT, "it trades")),
    ]
    assert page.walk(Kind.CLUSTER) == [
        Block(2, Kind.CLUSTER, "kubectl get nodes\n"),
        Block(16, Kind.CLUSTER, "kubectl get tsym\n"),
    ]
    assert [block.line for block in page.walk(Kind.MANUAL)] == [22]


def test_what_a_page_needs_is_not_run_for_a_kind_that_it_has_not() -> None:
    page = read_page("a.md", "<!-- docs: needs make setup -->\n\n```sh cluster\nkubectl\n```\n")
    assert page.walk(Kind.LOCAL) == []
    assert len(page.walk(Kind.CLUSTER)) == 1


@pytest.mark.parametrize("info", ["bash", "shell", "console", "bash cluster"])
def test_another_word_for_a_shell_block_is_refused(info: str) -> None:
    (fault,) = faults(f"text\n\n```{info}\nmake\n```")
    assert fault.startswith("a.md:3: a shell block is one of `sh`, `sh cluster`, `sh manual`; ")


@pytest.mark.parametrize("command", ["make try", "$ ls", ".venv/bin/symbol-trader run", "kubectl"])
def test_a_command_in_a_block_without_a_language_is_refused(command: str) -> None:
    assert len(faults(f"```\n{command}\n```")) == 1


def test_a_kind_that_there_is_not_is_refused() -> None:
    (fault,) = faults("```sh clutser\nkubectl\n```")
    assert "no such kind of block: 'sh clutser'" in fault


@pytest.mark.parametrize(
    "before",
    ["", "text", "<!-- -->", "<!-- too far -->\n\ntext", "<!-- docs: interrupt after 'a' -->"],
)
def test_a_block_that_is_not_run_says_why_right_before_it(before: str) -> None:
    found = faults(f"{before}\n\n```sh manual\nmake\n```")
    assert any("has a comment right before it that says why" in fault for fault in found)


@pytest.mark.parametrize("rule", ["interupt after 'a'", "interrupt after a", "needs", "", "manual"])
def test_a_rule_that_is_not_understood_is_refused(rule: str) -> None:
    (fault,) = faults(f"<!-- docs: {rule} -->\n\n```sh\nmake\n```")
    assert "not understood" in fault


@pytest.mark.parametrize("after", ["", "text\n\n```sh\nmake\n```", "```text\na\n```"])
def test_a_rule_for_a_block_has_one_right_after_it(after: str) -> None:
    (fault,) = faults(f"<!-- docs: keeps running after 'a' -->\n\n{after}")
    assert "no block that is run comes right after" in fault


def test_what_a_page_needs_comes_first() -> None:
    (fault,) = faults("```sh\nmake\n```\n\n<!-- docs: needs make setup -->")
    assert fault.startswith("a.md:5: what a page needs")


def test_a_newcomers_pages_come_first(tmp_path: Path) -> None:
    names = ["docs/a.md", "docs/how-to/b.md", "docs/tutorial/c.md", "README.md"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# Title\n")
    paths = [page.path for page in read_pages(tmp_path)]
    assert paths == ["README.md", "docs/tutorial/c.md", "docs/how-to/b.md", "docs/a.md"]


@pytest.mark.parametrize("page", read_pages(PROJECT), ids=lambda page: page.path)
def test_the_pages_say_how_their_blocks_are_run(page: Page) -> None:
    assert page.faults == ()


def faults(text: str) -> tuple[str, ...]:
    return read_page("a.md", text).faults
