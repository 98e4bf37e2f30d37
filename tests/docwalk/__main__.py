"""Runs the shell blocks of README, CONTRIBUTING and docs as they are printed: `make docs`.

`docwalk.pages` says how a page tells what is run, and where. Where no cluster of this clone is up,
the blocks that need one are left out, and that is said.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from docwalk import cluster
from docwalk.pages import Kind, Page, read_pages
from docwalk.walk import walk_all
from docwalk.workplace import PROJECT, Workplace, workplace


def main() -> None:
    """Walk the pages; ends with 1 if a block failed, or a page is not as it should be."""
    parser = argparse.ArgumentParser(prog="docwalk", description=__doc__)
    parser.add_argument("--only", default="", help="pages whose path has this in it")
    chosen = [page for page in read_pages(PROJECT) if parser.parse_args().only in page.path]
    faults = [fault for page in chosen for fault in page.faults]
    if faults or not chosen:
        sys.exit("\n".join(faults) or "no such page")
    with ExitStack() as stack:
        failed = _walk_locally(chosen, stack.enter_context(workplace()))
        failed += _walk_on_cluster(chosen, stack.enter_context(workplace()))
    sys.exit("\n\n".join(failed) or 0)


def _walk_locally(pages: Sequence[Page], place: Workplace) -> list[str]:
    return walk_all([(page, page.walk(Kind.LOCAL)) for page in pages], place, place.environment())


def _walk_on_cluster(pages: Sequence[Page], place: Workplace) -> list[str]:
    walks = [(page, cluster.blocks(page)) for page in pages]
    found = cluster.find_cluster()
    if found:
        place.use_cluster()
        return walk_all(walks, place, cluster.environment(place, found))
    for page, blocks in walks:
        for block in blocks[1:]:
            print(f"{page.path}:{block.line}: left out, for no cluster of this clone is up")
    return []


if __name__ == "__main__":
    main()
