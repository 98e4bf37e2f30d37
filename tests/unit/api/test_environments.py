"""Which exchange is whose money, and what would let the two meet."""

from dataclasses import replace
from typing import Any

import pytest

from tradingsymbol_api.environments import (
    ENVIRONMENTS,
    KNOWN,
    Addresses,
    Environment,
    Spelling,
    environment_of,
    problem,
)

SPELLING = Spelling("apiUrl", "streamUrl", "restUrl", "realMoney", "realMoney: true", "allowKey")
LOCAL = Addresses("ws://127.0.0.1:1/ws-api/v3", "ws://127.0.0.1:1", "http://127.0.0.1:1")


def found(environment: Environment, addresses: Addresses = LOCAL, **allowed: bool) -> str:
    given = {"real_money": environment == "live", "allow_unrestricted_key": False, **allowed}
    return problem(environment, addresses, SPELLING, **given)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_can_be_at_an_address_of_ones_own(environment: Environment) -> None:
    assert found(environment) == ""
    assert LOCAL.or_known(environment) == LOCAL


@pytest.mark.parametrize("environment", ["demo", "testnet", "live"])
def test_binance_s_own_addresses_need_not_be_written(environment: Environment) -> None:
    assert found(environment, Addresses()) == ""
    assert Addresses().or_known(environment) == KNOWN[environment]


def test_one_address_can_be_overridden_alone() -> None:
    given = Addresses(api_url="wss://ws-api.binance.com:9443/ws-api/v3")
    assert found("live", given) == ""
    assert given.or_known("live") == replace(KNOWN["live"], api_url=given.api_url)


@pytest.mark.parametrize(
    ("environment", "addresses", "allowed", "complaint"),
    [
        (
            "live",
            LOCAL,
            {"real_money": False},
            (
                "realMoney is missing: live trades real money, which has to be allowed by "
                "realMoney: true"
            ),
        ),
        (
            "testnet",
            LOCAL,
            {"real_money": True},
            "realMoney is for live alone: remove it, for testnet trades no real money",
        ),
        (
            "demo",
            LOCAL,
            {"allow_unrestricted_key": True},
            "allowKey is for live alone: remove it, for no key of demo is looked at",
        ),
        ("paper", Addresses(), {}, "apiUrl is missing: a paper exchange has no address of its own"),
        (
            "paper",
            replace(LOCAL, stream_url=""),
            {},
            "streamUrl is missing: a paper exchange has no address of its own",
        ),
        (
            "paper",
            replace(LOCAL, api_url=KNOWN["live"].api_url),
            {},
            "apiUrl is an address of live, and the environment is paper: correct one of them",
        ),
        (
            "live",
            Addresses(stream_url=KNOWN["testnet"].stream_url),
            {},
            "streamUrl is an address of testnet, and the environment is live: correct one of them",
        ),
        (
            "testnet",
            Addresses(rest_url=KNOWN["demo"].rest_url),
            {},
            "restUrl is an address of demo, and the environment is testnet: correct one of them",
        ),
    ],
)
def test_what_could_take_one_money_for_another_is_refused(
    environment: Environment, addresses: Addresses, allowed: dict[str, Any], complaint: str
) -> None:
    assert found(environment, addresses, **allowed) == complaint


@pytest.mark.parametrize("environment", ["demo", "testnet", "live"])
def test_known_addresses_are_recognised(environment: Environment) -> None:
    known = KNOWN[environment]
    urls = (known.api_url, known.stream_url, known.rest_url)
    assert [environment_of(url) for url in urls] == [environment] * 3


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("wss://WS-API.Binance.com.:9443/ws-api/v3", "live"),
        ("wss://data-stream.binance.vision", "live"),
        ("https://api-gcp.binance.com", "live"),
        ("wss://ws-api.binance.us:443/ws-api/v3", "live"),
        ("wss://testnet.binance.vision/ws-api/v3", "testnet"),
        ("wss://binance.com.example.org", None),
        ("wss://notbinance.com", None),
        ("ws://paper-exchange:9443", None),
        ("ws://[::1", None),
        ("", None),
    ],
)
def test_an_address_is_told_by_its_host(url: str, environment: str | None) -> None:
    assert environment_of(url) == environment


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(
    ("field", "scheme"), [("api_url", "ws"), ("stream_url", "ws"), ("rest_url", "http")]
)
@pytest.mark.parametrize(
    "written",
    [
        "host",
        "host:1",
        "ftp://host",
        "{}://",
        "{}://:1",
        "{}://[::1",
        "{}://host:0",
        "{}://host:65536",
        "{}://a host",
        "{}://host/\N{NO-BREAK SPACE}",
        "{}://host\0",
        "{}://" + "a" * 64,
        "{}://user:secret@host",
        "{}://host?secret",
        "{}://host#secret",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(
    environment: Environment, field: str, scheme: str, written: str
) -> None:
    complaint = found(environment, replace(LOCAL, **{field: written.format(scheme)}))
    name = {"api_url": "apiUrl", "stream_url": "streamUrl", "rest_url": "restUrl"}[field]
    assert complaint == (
        f"{name} is no address: {scheme}://host or {scheme}s://host is expected, without user, "
        "query or fragment"
    )


@pytest.mark.parametrize(
    "url", ["wss://h\N{LATIN SMALL LETTER O WITH DIAERESIS}st:1/a", "ws://[::1]:1"]
)
def test_unusual_addresses_are_addresses(url: str) -> None:
    assert found("paper", replace(LOCAL, api_url=url)) == ""
