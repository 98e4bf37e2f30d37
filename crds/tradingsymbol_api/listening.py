"""Listening for probes: the kubelet asks by an address of IPv4 or of IPv6."""

import socket

from tradingsymbol_api.pod import EVERYWHERE


def listen_everywhere(port: int) -> socket.socket:
    """Listen on every address; port 0 takes any free one. Where there is no IPv6, IPv4 is all.

    One socket takes both, so that both have the same port. Raises `OSError` where it is taken.
    """
    if socket.has_dualstack_ipv6():
        return socket.create_server((EVERYWHERE, port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))
