"""Turns of the event loop: what takes one message after the other lets others run in between."""

import asyncio

MESSAGES_PER_TURN = 32
"""So many messages take well below a millisecond; a turn of the loop costs about as much as one."""


class Turns:
    """Counts messages that were there already, and now and then passes the turn on.

    To wait for what is in a queue does not give the loop a turn: as long as thousands of messages
    wait, no ping would be answered, no probe and no timer.
    """

    def __init__(self) -> None:
        self._messages = 0

    async def pass_on(self) -> None:
        """Count a message; let the loop run after every few of them."""
        self._messages = (self._messages + 1) % MESSAGES_PER_TURN
        if not self._messages:
            await asyncio.sleep(0)
