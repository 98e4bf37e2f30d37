"""Each field of a symbol that is on, walked to its bounds and beyond, removed, and put right again.

Acto's method. A value is refused by its field's name, or carried out; in the end the symbol is what
it was, without help. A field of the schema without values here fails.
"""

import json
from typing import Any

import pytest
import yaml

from kind.kubectl import PROJECT, Kubectl, KubectlError, condition, eventually, manifest
from kind.operating import OperatorProcess

CRD = PROJECT / "crds" / "tradingsymbol.yaml"
REMOVED = None
FRACTIONS = [
    "0",
    "0%",
    "99.9999999999%",
    "100%",
    "1",
    "-1%",
    0.5,
    1,
    True,
    "",
    "x",
    [],
    {},
    REMOVED,
]
DURATIONS = ["1s", "999999h", "0s", "", "1d", "-1h", 5, True, [], {}, REMOVED]
WORDS = ["", "stop", 1, True, [], {}, REMOVED]
VALUES: dict[str, list[Any]] = {
    "status": ["shutdown", "off", True, False, "on", "", "ON", 1, [], {}, REMOVED],
    "symbol": [
        *("XRPUSDT", "ETHUSDT", "币安人生USDT", "สุขUSDT", "A" * 50),
        *("", "A" * 51, "币安usdt", "XRP/USDT", "XRP USDT", "🚀USDT", 1, True, [], {}, REMOVED),
    ],
    "exchange": ["paper", "binance", "", "P", 1, True, [], {}, REMOVED],
    "budget": [
        1,
        10**15 - 1,
        "0.000000000000000001",
        10**15,
        0,
        -1,
        "0",
        "",
        1.5,
        True,
        [],
        REMOVED,
    ],
    "chunks": [1, 100, 0, 101, -1, "5", 1.5, True, [], {}, REMOVED],
    "buyDownInterval": FRACTIONS,
    "profitInterval": [*FRACTIONS, "-99.9999999999%", "-100%"],
    "rebuyInterval": FRACTIONS,
    "maxBuyAge": DURATIONS,
    "deletionPolicy": ["CancelOrders", "Drain", "Stop", *WORDS],
    "updateStrategy": ["Manual", "WhenIdle", *WORDS],
    "shutdown": [{}, [], "", 1, True, {"more": 1}, REMOVED],
    "shutdown.unfilledBuys": ["Cancel", "Wait", *WORDS],
    "shutdown.deadline": DURATIONS,
    "shutdown.atDeadline": ["Sell", "Hold", *WORDS],
}


def fields(schema: dict[str, Any], prefix: str = "") -> list[str]:
    """List the fields of a schema, those of objects in it included."""
    found = []
    for name, inner in schema.get("properties", {}).items():
        found += [f"{prefix}{name}", *fields(inner, f"{prefix}{name}.")]
    return found


def spec_schema() -> dict[str, Any]:
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def nested(field: str, value: object) -> dict[str, Any]:
    """Write a patch of one field."""
    first, _, rest = field.partition(".")
    return {first: nested(rest, value) if rest else value}


def change(kubectl: Kubectl, name: str, field: str, value: object) -> str | None:
    """Set a field; return what the API server says against it, if it refuses."""
    body = json.dumps({"spec": nested(field, value)})
    try:
        kubectl.run("patch", "tsym", name, "--type", "merge", "--patch", body)
    except KubectlError as exc:
        return str(exc)
    return None


def as_asked(kubectl: Kubectl, name: str) -> bool:
    """Tell whether the operator has seen it all, and what was asked for is the case."""
    symbol = kubectl.symbol(name)
    ready = condition(symbol, "Ready")
    generation = symbol["metadata"]["generation"]
    return ready.get("status") == "True" and ready["observedGeneration"] == generation


def test_every_field_has_values_to_walk() -> None:
    assert sorted(VALUES) == sorted(fields(spec_schema()))


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("field", VALUES)
def test_a_field_is_walked_and_put_right_again(
    kubectl: Kubectl, operator: OperatorProcess, field: str
) -> None:
    name = f"field-{field.lower().replace('.', '-')}"
    kubectl.apply(manifest(name, "on", symbol="XRPUSDT"))
    eventually(lambda: as_asked(kubectl, name), what=f"{name} is on")
    before = kubectl.symbol(name)["spec"]

    taken = 0
    for value in VALUES[field]:
        refusal = change(kubectl, name, field, value)
        taken += refusal is None
        assert refusal is None or field.partition(".")[0] in refusal, f"{field}: {value!r}"
    assert 0 < taken < len(VALUES[field]), "some are taken, and some are refused"

    for other in before:
        change(kubectl, name, other, before[other])
    eventually(lambda: as_asked(kubectl, name), what=f"{name} is on again")
    assert kubectl.leader(name)
    assert operator.alive
