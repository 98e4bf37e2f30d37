"""Virtual time: what is to happen, in order, and no waiting in between."""

import heapq
from collections.abc import Callable
from itertools import count

Action = Callable[[], None]


class Timeline:
    """A clock in milliseconds that jumps from one action to the next."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._due: list[tuple[int, int, Action]] = []
        self._sequence = count()

    def after(self, delay_ms: int, action: Action) -> None:
        """Do something later; what is due at the same time keeps its order."""
        heapq.heappush(self._due, (self.now_ms + delay_ms, next(self._sequence), action))

    def run_until(self, end_ms: int) -> None:
        """Do everything that is due until then, and stop the clock there."""
        due = self._due
        while due and due[0][0] <= end_ms:
            self.now_ms, _, action = heapq.heappop(due)
            action()
        self.now_ms = end_ms
