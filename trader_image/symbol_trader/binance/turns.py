"""Turns of the event loop: a reader of many messages lets other tasks run in between."""

import asyncio

MESSAGES_PER_TURN = 32
"""So many messages take well below a millisecond; a turn of the loop costs about as much as one."""


class Turns:
    """Counts messages, and yields to the event loop after every `MESSAGES_PER_TURN` of them.

    Awaiting an item that is already in a queue does not yield: while thousands of messages wait,
    no ping, probe or timer would be served.
    """

    def __init__(self) -> None:
        self._messages = 0

    async def pass_on(self) -> None:
        """Count a message; let the loop run after every few of them."""
        self._messages = (self._messages + 1) % MESSAGES_PER_TURN
        if not self._messages:
            await asyncio.sleep(0)
