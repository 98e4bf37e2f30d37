"""The leader with short pauses: `python -m support.hasty run FILE …`.

What is refused, missing or halted is tried again at once, so that a test need not wait for it.
"""

from functools import partial

import symbol_trader.__main__ as program
from symbol_trader.core.timing import Timing

PAUSES = {"retry_first_ms": 100, "retry_most_ms": 400}

if __name__ == "__main__":
    vars(program)["Timing"] = partial(Timing, **PAUSES)
    program.main()
