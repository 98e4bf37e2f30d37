"""Probes are answered whatever kind of address the kubelet asks by."""

import socket

import pytest

from tradingsymbol_api.listening import listen_everywhere


def reaches(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_one_port_takes_both_kinds_of_addresses() -> None:
    with listen_everywhere(0) as server:
        port = server.getsockname()[1]
        assert reaches("127.0.0.1", port)
        assert reaches("::1", port)


def test_without_ipv6_the_other_kind_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listen_everywhere(0) as server:
        assert reaches("127.0.0.1", server.getsockname()[1])
        assert server.family is socket.AF_INET


def test_a_port_that_is_taken_is_said() -> None:
    with listen_everywhere(0) as server, pytest.raises(OSError, match="in use"):
        listen_everywhere(server.getsockname()[1])
