"""The walk over a page: its blocks in order, exactly as printed."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Final

from docwalk.pages import Block, Ending, Page
from docwalk.shell import LIMIT_S, BlockError, Shell, shell
from docwalk.workplace import Workplace

TAIL: Final = 60
"""Lines of a failed block's output that are told."""


class PageError(Exception):
    """A block of a page failed; the message names page and line, why, and what it printed last."""


def walk_all(
    walks: Iterable[tuple[Page, Sequence[Block]]],
    place: Workplace,
    environment: Mapping[str, str],
) -> list[str]:
    """Walk over pages, one after the other; returns what failed."""
    failed = []
    for page, blocks in walks:
        try:
            asyncio.run(walk(page, blocks, place, environment))
        except PageError as exc:
            failed.append(str(exc))
    return failed


async def walk(
    page: Page,
    blocks: Sequence[Block],
    place: Workplace,
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None] = print,
    limit_s: float = LIMIT_S,
) -> None:
    """Run blocks of a page in order. Raises `PageError`.

    They run in one shell, and find what those before have set. Where one keeps running, the next
    run in another shell, and after the last of them Ctrl-C ends it.
    """
    if not blocks:
        return
    place.refresh()
    async with AsyncExitStack() as stack:
        running: list[tuple[Block, Shell]] = []
        current = await stack.enter_async_context(shell(place.clone, environment))
        for number, block in enumerate(blocks):
            began = time.monotonic()
            script = place.script(number, page.path, block.line, block.text)
            with _named(page, block, current):
                await current.run(script, block.awaits, limit_s)
            say(f"{page.path}:{block.line}: {_title(block)} ({time.monotonic() - began:.1f} s)")
            if block.awaits and block.awaits.ending is Ending.KEEPS_RUNNING:
                running.append((block, current))
                current = await stack.enter_async_context(shell(place.clone, environment))
        for block, left in reversed(running):
            began = time.monotonic()
            with _named(page, block, left):
                await left.finish()
            say(f"{page.path}:{block.line}: ended ({time.monotonic() - began:.1f} s)")


@contextmanager
def _named(page: Page, block: Block, used: Shell) -> Iterator[None]:
    """Say of a failure where it was, and what the block printed last."""
    try:
        yield
    except BlockError as failed:
        last = "\n".join(f"    {line}" for line in used.said.splitlines()[-TAIL:])
        place = f"{page.path}:{block.line}: {_title(block)}"
        raise PageError(f"{place}\n  {failed}\n{last}") from None


def _title(block: Block) -> str:
    first, *more = block.text.strip().splitlines()
    return f"{first} …" if more else first
