"""Ports of this machine for servers that keep theirs when they are started again."""

import secrets
import socket
from collections import deque
from typing import Final

PORTS: Final = range(20000, 32000)
"""Below those that a system gives to its own connections (from 32768 on): one of these is taken by
nobody between this choice and the server's start, nor while the server is away."""
_given: Final[deque[int]] = deque(maxlen=1_000)
"""Those given last: a server of this process may not listen yet on one that another asks for."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    while True:
        port = secrets.choice(PORTS)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.append(port)
        return port
