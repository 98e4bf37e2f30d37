"""The fence of a lost leader is made from what the API server says of its pod."""

import copy
from typing import Any

import pytest

from symbol_operator.decide.fence_pod import TOKEN_PATH, fence_pod
from symbol_operator.decide.leader_pod import leader_pod
from symbol_operator.observe.fence import LostPod
from symbol_operator.settings import LeaderSettings, OperatorSettings
from symbol_trader.__main__ import main as symbol_trader
from tradingsymbol_api.names import LABEL_FENCES, LEADER_SELECTOR, leader_labels
from tradingsymbol_api.spec import parse_resource
from unit.operator.objects import resource

LOST = LostPod("5e1f2a3b-0000-4000-8000-000000000000", "xrpusdt-leader", "node-1")


@pytest.fixture
def lost(settings: OperatorSettings) -> dict[str, Any]:
    """Return a leader pod as admission has completed it."""
    own = LeaderSettings(
        image="symbol-trader:1",
        node_selector={"role": "trading"},
        tolerations=({"key": "dedicated", "operator": "Exists"},),
    )
    symbol = parse_resource(resource())
    reached = {"ca_config_map": "authorities", "proxy_secret": "proxy", "address_group": "egress"}
    entry = settings.exchanges[0].model_copy(update=reached)
    pod = leader_pod(symbol, entry, settings.model_copy(update={"leader": own}), "c1")
    pod["metadata"]["uid"] = LOST.uid
    token = {"name": "kube-api-access-x", "mountPath": TOKEN_PATH, "readOnly": True}
    roots = {"name": "roots", "mountPath": "/etc/roots"}
    (leader,) = pod["spec"]["containers"]
    leader["volumeMounts"] += [token, roots]
    leader["env"].append({"name": "PGSSLROOTCERT", "value": "/etc/roots/ca.crt"})
    pod["spec"] |= {
        "nodeName": "node-1",
        "serviceAccount": "symbol-trader",
        "imagePullSecrets": [{"name": "registry"}],
        "priority": 0,
        "volumes": [
            *pod["spec"]["volumes"],
            {"name": "kube-api-access-x", "projected": {"sources": []}},
            {"name": "roots", "secret": {"secretName": "roots"}},
        ],
        # Injected, and before the leader's.
        "containers": [{"name": "proxy", "image": "proxy:1"}, leader],
    }
    return pod


def fence_of(source: dict[str, Any], *, release: bool = True) -> dict[str, Any]:
    return fence_pod(source, LOST, release=release)


def test_it_has_the_leaders_image_and_the_database_and_nothing_of_the_exchange(
    lost: dict[str, Any],
) -> None:
    (container,) = fence_of(lost)["spec"]["containers"]

    assert container["image"] == "symbol-trader:1"
    env = {variable["name"]: variable for variable in container["env"]}
    assert env.keys() == {
        "SYMBOL_TRADER_DATABASE_URL_FILE",
        "SYMBOL_TRADER_LOG_FORMAT",
        "SYMBOL_TRADER_FENCED_POD",
        "PGSSLROOTCERT",
    }
    folder, _, _ = env["SYMBOL_TRADER_DATABASE_URL_FILE"]["value"].rpartition("/")
    assert folder in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert env["SYMBOL_TRADER_FENCED_POD"]["value"] == LOST.uid


def test_of_a_pod_that_an_earlier_version_created_it_takes_the_variable(
    lost: dict[str, Any],
) -> None:
    url = {"secretKeyRef": {"name": "trading-database", "key": "url"}}
    variable = {"name": "SYMBOL_TRADER_DATABASE_URL", "valueFrom": url}
    lost["spec"]["containers"][1]["env"].append(variable)
    (container,) = fence_of(lost)["spec"]["containers"]

    assert variable in container["env"]


def test_labels_that_others_have_set_stay(lost: dict[str, Any]) -> None:
    """A network policy may go by them."""
    lost["metadata"]["labels"]["team"] = "a"

    assert fence_of(lost)["metadata"]["labels"]["team"] == "a"


def test_it_waits_by_the_times_of_the_leaders_exchange(lost: dict[str, Any]) -> None:
    """They bound how late what the lost leader has sent may still be taken."""
    times = [
        {"name": "SYMBOL_TRADER_RECV_WINDOW_MS", "value": "5000"},
        {"name": "SYMBOL_TRADER_EXCHANGE_TIMEOUT_MS", "value": "20000"},
    ]
    lost["spec"]["containers"][1]["env"] += times
    (container,) = fence_of(lost)["spec"]["containers"]

    assert all(time in container["env"] for time in times)


def test_a_proxy_that_others_have_set_stays(lost: dict[str, Any]) -> None:
    theirs = {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}
    lost["spec"]["containers"][1]["env"].append(theirs)
    (container,) = fence_of(lost)["spec"]["containers"]

    assert [v for v in container["env"] if v["name"] == "HTTPS_PROXY"] == [theirs]


def test_it_has_no_token_and_nothing_that_mounts_one(lost: dict[str, Any]) -> None:
    spec = fence_of(lost)["spec"]

    assert spec["automountServiceAccountToken"] is False
    kept = ["database-url", "roots"]
    assert [volume["name"] for volume in spec["volumes"]] == kept
    assert [mount["name"] for mount in spec["containers"][0]["volumeMounts"]] == kept


def test_it_is_as_confined_as_a_leader_and_pulls_as_it_does(lost: dict[str, Any]) -> None:
    spec = fence_of(lost)["spec"]

    for name in ("securityContext", "serviceAccountName", "imagePullSecrets", "tolerations"):
        assert spec[name] == lost["spec"][name], name
    leader = lost["spec"]["containers"][1]
    assert spec["containers"][0]["securityContext"] == leader["securityContext"]


def test_it_runs_anywhere_but_on_the_lost_node(lost: dict[str, Any]) -> None:
    """The one node that leaders may run on may be the one that is lost."""
    spec = fence_of(lost)["spec"]

    assert not {"nodeName", "nodeSelector"} & spec.keys()
    required, preferred = spec["affinity"]["nodeAffinity"].values()
    (term,) = required["nodeSelectorTerms"]
    assert term == {
        "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["node-1"]}]
    }
    (preference,) = preferred
    assert preference["preference"]["matchExpressions"] == [
        {"key": "role", "operator": "In", "values": ["trading"]}
    ]


def test_it_has_no_owner_and_says_whose_fence_it_is(lost: dict[str, Any]) -> None:
    """It outlives its resource; the watch of leaders sees it, and so does their NetworkPolicy."""
    metadata = fence_of(lost)["metadata"]

    assert "ownerReferences" not in metadata
    assert metadata["name"] == "xrpusdt-fence-5e1f2a3b"
    assert metadata["namespace"] == "trading"
    assert metadata["labels"] == {**leader_labels("xrpusdt"), LABEL_FENCES: LOST.uid}
    for part in LEADER_SELECTOR.split(","):
        key, _, value = part.partition("=")
        assert metadata["labels"][key] == (value or "xrpusdt")


def test_one_that_came_to_nothing_is_made_anew_from_itself(lost: dict[str, Any]) -> None:
    first = fence_of(lost)
    first["metadata"]["uid"] = "0a0b0c0d-0000-4000-8000-000000000000"
    second = fence_of(copy.deepcopy(first))

    assert second["metadata"].pop("name") == "xrpusdt-fence-0a0b0c0d"
    del first["metadata"]["uid"], first["metadata"]["name"]
    (container,) = second["spec"]["containers"]
    assert [v["name"] for v in container["env"]].count("SYMBOL_TRADER_FENCED_POD") == 1
    assert second == first


@pytest.mark.parametrize(
    ("release", "arguments"), [(True, ["fence", "--release"]), (False, ["fence"])]
)
def test_it_releases_only_what_nobody_goes_on_with(
    lost: dict[str, Any], *, release: bool, arguments: list[str]
) -> None:
    (container,) = fence_of(lost, release=release)["spec"]["containers"]

    assert container["args"] == arguments


def test_its_variables_are_flags_of_the_command(lost: dict[str, Any]) -> None:
    (container,) = fence_of(lost)["spec"]["containers"]
    flags = {p.name.upper() for p in symbol_trader.commands["fence"].params if p.name}
    ours = {v["name"] for v in container["env"] if v["name"].startswith("SYMBOL_TRADER_")}

    assert {name.removeprefix("SYMBOL_TRADER_") for name in ours} <= flags
