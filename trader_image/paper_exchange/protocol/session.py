"""One WebSocket API connection: what it subscribed to and how it wants its replies."""

from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class ApiSession:
    """The state of a connection; `address` is whom its request weight is charged to."""

    address: str
    connected: int
    return_rate_limits: bool = True
    micros: bool = False
    subscriptions: dict[int, str] = field(default_factory=dict)
    """Account by subscription id."""
    next_subscription: int = 0

    def subscribe(self, account: str) -> int:
        """Add a subscription and return its id."""
        number = self.next_subscription
        self.next_subscription += 1
        self.subscriptions[number] = account
        return number
