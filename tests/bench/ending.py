"""How a measurement is ended from outside."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def run(main: Callable[[], None]) -> None:
    """Run a program that SIGTERM ends as Ctrl-C does: what it has started ends on the way out.

    A shell starts its background jobs deaf to Ctrl-C; those hear it again.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
