"""Turns of the event loop: a reader of many messages lets other tasks run in between."""

MESSAGES_PER_TURN = 32
"""So many messages take well below a millisecond; a turn of the loop costs about as much as one."""


class Turns:
    """Counts messages, and says after every `MESSAGES_PER_TURN` of them to let the loop run.

    Awaiting an item that is already in a queue does not yield: while thousands of messages wait,
    no ping, probe or timer would be served.
    """

    def __init__(self) -> None:
        self._messages = 0

    def is_over(self) -> bool:
        """Count a message; return whether the loop has to run now."""
        self._messages = (self._messages + 1) % MESSAGES_PER_TURN
        return not self._messages
