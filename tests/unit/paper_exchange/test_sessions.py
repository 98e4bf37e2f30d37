"""Ed25519 keys, and the sessions that they log on, as the documentation shows them."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from paper_exchange.accounts import AccountConfig, Key
from paper_exchange.protocol import rest, signing
from paper_exchange.protocol.signing import payload
from unit.paper_exchange.clients import FUNDS, START, Client, error

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = "ed-key"
BAD_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")
BAD_SIGNATURE = (-1022, "Signature for this request is not valid.")


class Session(Client):
    """A client whose account has a key of each kind, and so has another one."""

    def __init__(self) -> None:
        keys = (Key(NAME, public=PRIVATE.public_key()), Key("key-a", "secret-a"))
        other = AccountConfig("b", (Key("key-b", "secret-b"),), FUNDS)
        super().__init__(accounts=(AccountConfig("a", keys, FUNDS), other))

    def sign(self, key: str, **params: Any) -> dict[str, Any]:
        """Sign by Ed25519 where the key is of that kind."""
        if key != NAME:
            return super().sign(key, **params)
        full = {"apiKey": key, "timestamp": str(self.now), **params}
        return {**full, "signature": by_key(payload(full))}

    def log_on(self) -> Any:
        """Log on."""
        return self.signed("session.logon", key=NAME)

    def uid(self, **params: Any) -> Any:
        """Ask whose account it is; unsigned unless told otherwise."""
        return self.call("account.status", timestamp=str(self.now), **params)


def by_key(text: str) -> str:
    return b64encode(PRIVATE.sign(text.encode())).decode()


def test_a_request_is_signed_by_ed25519() -> None:
    assert Session().signed("account.status", key=NAME)["status"] == 200


def test_the_second_vector_verifies_and_a_wrong_byte_does_not() -> None:
    verify = signing.by_public_key(PRIVATE.public_key())
    text, signature = (
        "apiKey=testkey&timestamp=1700000000000",
        (
            "OSJ0tUCCBGDT495kHFU1l3blJwNoXyvouKQx/D89f3IGlzUKm8Pd4QwC7jG7H5Jk+cPBWHG/UzQRwE6QNgyxAg=="
        ),
    )
    raw = bytearray(b64decode(signature))
    raw[0] ^= 1

    assert verify(text, signature)
    assert not verify(text + " ", signature)
    assert not verify(text, b64encode(bytes(raw)).decode())
    assert not verify(text, signature.lower())


@pytest.mark.parametrize("signature", ["", "nonsense", "é", "AAAA", 5, None])
def test_a_signature_that_is_none_is_refused(signature: Any) -> None:
    client = Session()
    params = {"apiKey": NAME, "timestamp": str(START), "signature": signature}
    code, _ = error(client.call("account.status", **params))
    assert code in {-1022, -1102}


def test_a_session_is_logged_on_and_off() -> None:
    client = Session()
    client.now += 250
    nobody = {"apiKey": None, "authorizedSince": None, "userDataStream": False}
    common = {"connectedSince": START, "returnRateLimits": True, "serverTime": client.now}

    assert client.call("session.status")["result"] == nobody | common
    on = {"apiKey": NAME, "authorizedSince": client.now, "userDataStream": False}
    assert client.log_on()["result"] == on | common
    assert client.call("session.status")["result"] == on | common
    assert client.call("session.logout")["result"] == nobody | common
    assert client.call("session.logout")["result"] == nobody | common


def test_a_session_that_is_logged_on_needs_no_signature_but_the_time() -> None:
    client = Session()
    code, message = error(client.uid())
    assert (code, "apiKey" in message) == (-1102, True)

    client.log_on()
    assert client.uid()["result"]["uid"] == client.signed("account.status")["result"]["uid"]
    assert error(client.call("account.status"))[0] == -1102
    client.now += 6_000
    assert error(client.call("account.status", timestamp=str(START)))[0] == -1021
    placed = client.call("order.place", timestamp=str(client.now), **ORDER)
    assert placed["result"]["status"] == "NEW"


ORDER = {
    "symbol": "XRPUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "0.5",
    "quantity": "100",
}


def test_a_key_in_the_request_stands_above_that_of_the_session() -> None:
    client = Session()
    client.log_on()
    own = client.uid()["result"]["uid"]

    assert client.signed("account.status", key="key-b")["result"]["uid"] != own
    assert error(client.uid(apiKey="key-b", signature="0" * 64)) == BAD_SIGNATURE
    assert client.uid()["result"]["uid"] == own


def test_an_hmac_key_logs_no_session_on() -> None:
    client = Session()
    assert error(client.signed("session.logon")) == BAD_KEY
    assert client.call("session.status")["result"]["apiKey"] is None


def test_a_logon_names_its_key_and_is_signed() -> None:
    client = Session()
    client.log_on()
    assert error(client.call("session.logon", timestamp=str(START)))[0] == -1102
    wrong = {"apiKey": NAME, "timestamp": str(START), "signature": by_key("other")}
    assert error(client.call("session.logon", **wrong)) == BAD_SIGNATURE


def test_another_connection_is_not_logged_on() -> None:
    client = Session()
    client.log_on()
    client.session = type(client.session)("10.0.0.1", START)
    assert error(client.uid())[0] == -1102


def test_user_data_of_a_session_ends_with_its_logon() -> None:
    client = Session()
    assert error(client.call("userDataStream.subscribe"))[0] == -1102
    client.log_on()
    assert client.call("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert error(client.call("userDataStream.subscribe"))[0] == -2035
    signed = client.signed("userDataStream.subscribe.signature", key="key-b")
    assert signed["result"] == {"subscriptionId": 1}
    assert client.call("session.status")["result"]["userDataStream"] is True

    client.call("session.logout")
    assert client.call("session.subscriptions")["result"] == [{"subscriptionId": 1}]
    assert client.session.ended == [0]


def test_a_logon_whose_subscription_is_over_ends_no_other() -> None:
    client = Session()
    client.log_on()
    client.call("userDataStream.subscribe")
    client.call("userDataStream.unsubscribe")
    client.call("session.logout")
    assert client.session.ended == [0]


def test_a_revoked_key_ends_its_session_with_an_error_that_names_no_request() -> None:
    client = Session()
    client.log_on()
    client.call("userDataStream.subscribe")
    assert client.api.keys.revoke(NAME)
    assert not client.api.keys.revoke(NAME)

    assert client.uid() == {
        "id": None,
        "status": 401,
        "error": {"code": BAD_KEY[0], "msg": BAD_KEY[1]},
    }
    assert client.call("session.status")["result"]["userDataStream"] is False
    assert error(client.uid())[0] == -1102
    assert error(client.log_on()) == BAD_KEY


# What a key may do.


def asked(client: Session, query: str, key: str = NAME) -> tuple[int, dict[str, Any]]:
    answer = rest.get(client.api, "10.0.0.1", rest.RESTRICTIONS, query, key)
    assert answer
    return answer.status, json.loads(answer.body)


def signed_query(key: str = NAME, timestamp: int = START) -> str:
    text = f"timestamp={timestamp}&recvWindow=3000"
    signature = by_key(text) if key == NAME else signing.sign("secret-a", text)
    return f"{text}&signature={signature.replace('+', '%2B').replace('/', '%2F')}"


@pytest.mark.parametrize("key", [NAME, "key-a"])
def test_a_key_may_trade_and_nothing_else_unless_told_otherwise(key: str) -> None:
    client = Session()
    status, found = asked(client, signed_query(key), key)
    granted = {name for name, value in found.items() if value is True}

    assert status == 200
    assert granted == {"ipRestrict", "enableReading", "enableSpotAndMarginTrading"}
    assert {"enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"} <= set(found)

    client.api.keys.permissions["a"]["enableWithdrawals"] = True
    assert asked(client, signed_query(key), key)[1]["enableWithdrawals"] is True


@pytest.mark.parametrize(
    ("query", "key", "expected"),
    [
        (signed_query(), "stranger", (401, BAD_KEY)),
        (signed_query(), "key-a", (400, BAD_SIGNATURE)),
        (signed_query().replace("3000", "3001"), NAME, (400, BAD_SIGNATURE)),
        (f"timestamp={START}", NAME, (400, None)),
        (signed_query(timestamp=START - 4_000), NAME, (400, None)),
        ("", NAME, (400, None)),
    ],
)
def test_the_question_what_a_key_may_do_is_signed(query: str, key: str, expected: Any) -> None:
    status, found = asked(Session(), query, key)
    assert status == expected[0]
    assert expected[1] in {None, (found["code"], found["msg"])}
