"""The pages as a reader follows them on the cluster, with what `make demo` installs."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from docwalk import cluster as docs
from docwalk.pages import Page, read_pages
from docwalk.walk import walk_all
from docwalk.workplace import PROJECT, Workplace, workplace
from kind.kubectl import Kubectl
from kind.operating import CLUSTER
from tradingsymbol_api.names import LEADER_SELECTOR

HOME = Kubectl("trading")
pytestmark = pytest.mark.alone
PAGES = [page for page in read_pages(PROJECT) if docs.blocks(page)]


@pytest.fixture(scope="module")
def place(cluster: None) -> Iterator[Workplace]:
    """Return a place to walk in; at the end the demonstration is there, and trades nothing.

    A page may have uninstalled it, and the tokens of its leaders with it.
    """
    with workplace() as made:
        made.use_cluster()
        yield made
    subprocess.run([sys.executable, str(CLUSTER), "deploy"], check=True, capture_output=True)
    HOME.run("delete", "pods", "--selector", LEADER_SELECTOR)
    HOME.run("delete", "tradingsymbols", "--all", "--timeout=60s")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_the_commands_of_the_pages_work_as_printed(page: Page, place: Workplace) -> None:
    found = docs.find_cluster()
    assert found
    failed = walk_all([(page, docs.blocks(page))], place, docs.environment(place, found))
    assert not failed, failed[0]
