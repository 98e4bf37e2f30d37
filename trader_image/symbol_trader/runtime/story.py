"""The log as a story: symbol, trader, what happened, and why."""

from typing import Any

import structlog

from symbol_trader.core.decisions import Said


class Story:
    """Writes structured lines that all carry the symbol."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger, **context: Any) -> None:
        """Bind what every line carries."""
        self._log = logger.bind(**context)

    def tell(self, event: str, **facts: Any) -> None:
        """Write a line."""
        self._log.info(event, **facts)

    def warn(self, event: str, **facts: Any) -> None:
        """Write a line that a person should look at."""
        self._log.warning(event, **facts)

    def say(self, said: Said) -> None:
        """Write what the leader decided to say."""
        (self.warn if said.warning else self.tell)(said.event, **said.facts)
