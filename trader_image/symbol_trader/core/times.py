"""Exchange time for people."""

from datetime import UTC, datetime


def utc(time_ms: int) -> str:
    """Write an exchange time (milliseconds since 1970) as people read it, to the second, in UTC."""
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
