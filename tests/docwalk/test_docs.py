"""The pages as a reader follows them, as far as that needs no cluster."""

import pytest

from docwalk.pages import Kind, read_pages
from docwalk.walk import walk_all
from docwalk.workplace import PROJECT, workplace


@pytest.mark.timeout(1800)
def test_the_commands_of_the_pages_work_as_printed() -> None:
    pages = read_pages(PROJECT)
    with workplace() as place:
        walks = [(page, page.walk(Kind.LOCAL)) for page in pages]
        failed = walk_all(walks, place, place.environment())
    assert not failed, "\n\n".join(failed)
