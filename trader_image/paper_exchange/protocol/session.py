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
    ended: list[int] = field(default_factory=list)
    """Subscriptions that are over, of which the client has not been told so yet."""
    api_key: str | None = None
    """The key that it is logged on with."""
    authorized: int | None = None
    """Since when."""
    logon_subscription: int | None = None
    """The subscription that ends with the logon."""

    def log_off(self) -> None:
        """Forget the key, and end the subscription that rests on it."""
        if self.logon_subscription in self.subscriptions:
            self.end(self.logon_subscription)
        self.api_key = self.authorized = self.logon_subscription = None

    def end(self, number: int) -> None:
        """End a subscription."""
        del self.subscriptions[number]
        self.ended.append(number)

    def subscribe(self, account: str) -> int:
        """Add a subscription and return its id."""
        number = self.next_subscription
        self.next_subscription += 1
        self.subscriptions[number] = account
        return number
