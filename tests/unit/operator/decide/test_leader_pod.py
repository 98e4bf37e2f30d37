"""The leader pod, checked against what Kubernetes and the leader expect of it."""

from typing import Any

import pytest

from symbol_operator.decide.leader_pod import leader_pod
from symbol_operator.settings import ExchangeEntry, LeaderSettings, OperatorSettings
from symbol_trader.__main__ import main as symbol_trader
from tradingsymbol_api.names import ANNOTATION_TEMPLATE_HASH
from tradingsymbol_api.pod import Variable
from tradingsymbol_api.spec import parse_resource
from unit.operator.objects import resource


def entry_of(settings: OperatorSettings) -> ExchangeEntry:
    entry = settings.exchange("paper")
    assert entry is not None
    return entry


def at(settings: OperatorSettings, **told: Any) -> OperatorSettings:
    """Return settings whose exchange entry says this, too."""
    entry = entry_of(settings).model_copy(update=told)
    return settings.model_copy(update={"exchanges": (entry,)})


def build(settings: OperatorSettings, **spec: Any) -> dict[str, Any]:
    symbol = parse_resource(resource(**spec))
    return leader_pod(symbol, entry_of(settings), settings, "cluster-1")


def container_of(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["spec"]["containers"]
    result: dict[str, Any] = container
    return result


def test_the_pod_is_found_again_by_name_labels_and_owner(settings: OperatorSettings) -> None:
    metadata = build(settings)["metadata"]

    assert (metadata["namespace"], metadata["name"]) == ("trading", "xrpusdt-leader")
    assert metadata["labels"] == {
        "app.kubernetes.io/name": "symbol-trader",
        "app.kubernetes.io/managed-by": "symbol-operator",
        "tradingsymbol.dev/name": "xrpusdt",
    }
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "tradingsymbol.dev/v1alpha1",
            "kind": "TradingSymbol",
            "name": "xrpusdt",
            "uid": "r1",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_the_leader_is_told_all_that_it_needs(settings: OperatorSettings) -> None:
    variables = {item["name"]: item for item in container_of(build(settings))["env"]}
    plain = {name: item["value"] for name, item in variables.items() if "value" in item}
    referred = {name: item["valueFrom"] for name, item in variables.items() if "valueFrom" in item}

    assert plain == {
        "SYMBOL_TRADER_EXCHANGE_ENVIRONMENT": "paper",
        "SYMBOL_TRADER_EXCHANGE_API_URL": "ws://paper-exchange:9443/ws-api/v3",
        "SYMBOL_TRADER_EXCHANGE_STREAM_URL": "ws://paper-exchange:9443",
        "SYMBOL_TRADER_EXCHANGE_KEY": "/run/exchange-keys/paper-credentials",
        "SYMBOL_TRADER_DATABASE_URL_FILE": "/run/database/trading-database/url",
        "SYMBOL_TRADER_CLUSTER": "cluster-1",
        "SYMBOL_TRADER_NAMESPACE": "trading",
        "SYMBOL_TRADER_NAME": "xrpusdt",
        "SYMBOL_TRADER_HTTP_HOST": "::",
        "SYMBOL_TRADER_HTTP_PORT": "8080",
        "SYMBOL_TRADER_LOG_FORMAT": "json",
    }
    assert referred == {
        "SYMBOL_TRADER_POD": {"fieldRef": {"fieldPath": "metadata.name"}},
        "SYMBOL_TRADER_POD_UID": {"fieldRef": {"fieldPath": "metadata.uid"}},
        "SYMBOL_TRADER_NODE": {"fieldRef": {"fieldPath": "spec.nodeName"}},
    }


def test_its_variables_are_flags_of_the_command(settings: OperatorSettings) -> None:
    everything = {"ca_secret": "authorities", "address_group": "egress", "timeout": 20_000}
    flags = {param.name for param in symbol_trader.commands["lead"].params}
    names = {item["name"] for item in container_of(build(at(settings, **everything)))["env"]}

    assert names <= {Variable(flag).env for flag in flags if flag in set(Variable)}


def test_the_pod_passes_the_restricted_pod_security_standard(settings: OperatorSettings) -> None:
    pod = build(at(settings, ca_config_map="authorities", proxy_secret="proxy"))

    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["runAsUser"] > 0
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container_of(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(
        volume.keys() <= {"name", "secret", "configMap"} for volume in pod["spec"]["volumes"]
    )


def test_credentials_are_mounted_and_no_part_of_them_is_a_variable(
    settings: OperatorSettings,
) -> None:
    """Files follow a change of the Secret; a missing one is the leader's to tell."""
    pod = build(settings)

    assert pod["spec"]["volumes"] == [
        {"name": "exchange-key", "secret": {"secretName": "paper-credentials", "optional": True}},
        {"name": "database-url", "secret": {"secretName": "trading-database", "optional": True}},
    ]
    assert container_of(pod)["volumeMounts"] == [
        {
            "name": "exchange-key",
            "mountPath": "/run/exchange-keys/paper-credentials",
            "readOnly": True,
        },
        {"name": "database-url", "mountPath": "/run/database/trading-database", "readOnly": True},
    ]
    assert not [item for item in container_of(pod)["env"] if "secretKeyRef" in str(item)]


def test_a_leader_of_real_money_is_told_so_and_no_address_that_is_known(
    settings: OperatorSettings,
) -> None:
    entry = ExchangeEntry(
        name="paper",
        environment="live",
        real_money=True,
        rest_url="https://api1.binance.com",
        secret="live",
        allow_unrestricted_key=True,
    )
    pod = build(settings.model_copy(update={"exchanges": (entry,)}))
    told = {item["name"]: item.get("value") for item in container_of(pod)["env"]}

    assert {
        name: value for name, value in told.items() if "EXCHANGE" in name or "ALLOW" in name
    } == {
        "SYMBOL_TRADER_EXCHANGE_ENVIRONMENT": "live",
        "SYMBOL_TRADER_EXCHANGE_REST_URL": "https://api1.binance.com",
        "SYMBOL_TRADER_EXCHANGE_KEY": "/run/exchange-keys/live",
        "SYMBOL_TRADER_ALLOW_UNRESTRICTED_KEY": "true",
    }
    assert told["SYMBOL_TRADER_REAL_MONEY"] == "true"


CERTIFICATES = {"configMap": "ca_config_map", "secret": "ca_secret"}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_certificates_are_mounted_as_a_file_that_the_leader_is_told(
    settings: OperatorSettings, kind: str
) -> None:
    pod = build(at(settings, **{CERTIFICATES[kind]: "authorities"}))
    told = {item["name"]: item.get("value") for item in container_of(pod)["env"]}
    *others, certificates = pod["spec"]["volumes"]
    mounts = {item["name"]: item for item in container_of(pod)["volumeMounts"]}

    assert told["SYMBOL_TRADER_EXCHANGE_CA_FILE"] == "/run/exchange-ca/authorities/ca.crt"
    assert others == build(settings)["spec"]["volumes"]
    name = "secretName" if kind == "secret" else "name"
    assert certificates == {"name": "exchange-ca", kind: {name: "authorities", "optional": True}}
    assert mounts["exchange-ca"] == {
        "name": "exchange-ca",
        "mountPath": "/run/exchange-ca/authorities",
        "readOnly": True,
    }


def test_a_proxy_is_known_by_its_secret_alone(settings: OperatorSettings) -> None:
    """Its password is no part of the pod; without the Secret the kubelet starts no leader."""
    pod = build(at(settings, proxy_secret="proxy"))
    before, after = (container_of(each)["env"] for each in (build(settings), pod))

    assert [item for item in after if item not in before] == [
        {
            "name": "HTTPS_PROXY",
            "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "url"}},
        }
    ]


def test_an_address_group_is_told(settings: OperatorSettings) -> None:
    pod = build(at(settings, address_group="egress-2"))
    told = {item["name"]: item.get("value") for item in container_of(pod)["env"]}

    assert told["SYMBOL_TRADER_EXCHANGE_ADDRESS_GROUP"] == "egress-2"


def test_the_grace_period_covers_an_order_on_its_way(settings: OperatorSettings) -> None:
    """RecvWindow 3 s, then 10 s in which the exchange may still answer."""
    assert build(settings)["spec"]["terminationGracePeriodSeconds"] > 3 + 10


def test_a_leader_is_told_the_times_of_its_exchange(settings: OperatorSettings) -> None:
    pod = build(at(settings, recv_window=5_000, timeout=20_500))
    env = {item["name"]: item.get("value") for item in container_of(pod)["env"]}

    assert env["SYMBOL_TRADER_RECV_WINDOW_MS"] == "5000"
    assert env["SYMBOL_TRADER_EXCHANGE_TIMEOUT_MS"] == "20500"
    assert pod["spec"]["terminationGracePeriodSeconds"] == 33


def test_the_usual_times_make_the_usual_pod(settings: OperatorSettings) -> None:
    assert build(at(settings, recv_window=3_000, timeout=10_000)) == build(settings)


def test_short_times_of_an_exchange_do_not_shorten_the_grace_period(
    settings: OperatorSettings,
) -> None:
    pod = build(at(settings, recv_window=100, timeout=1_000))

    assert pod["spec"]["terminationGracePeriodSeconds"] == 20


def test_a_leader_leaves_a_lost_node_soon(settings: OperatorSettings) -> None:
    tolerations = build(settings)["spec"]["tolerations"]

    assert {(item["key"], item["effect"], item["tolerationSeconds"]) for item in tolerations} == {
        ("node.kubernetes.io/not-ready", "NoExecute", 10),
        ("node.kubernetes.io/unreachable", "NoExecute", 10),
    }


def test_a_leader_that_is_done_stays_done_and_one_that_failed_is_tried_again(
    settings: OperatorSettings,
) -> None:
    spec = build(settings)["spec"]

    assert spec["restartPolicy"] == "OnFailure"
    assert spec["serviceAccountName"] == "symbol-trader"
    assert container_of(build(settings))["args"] == ["lead"]


def test_probes_ask_the_leader(settings: OperatorSettings) -> None:
    container = container_of(build(settings))
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }

    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }


def test_the_operator_configures_where_and_how_leaders_run(settings: OperatorSettings) -> None:
    own = LeaderSettings(
        image="registry.invalid/trader:2",
        image_pull_policy="Never",
        node_selector={"role": "trading"},
        tolerations=({"key": "dedicated", "operator": "Exists"},),
        resources={"requests": {"cpu": "1"}},
        log_format="console",
    )

    pod = build(settings.model_copy(update={"leader": own}))

    assert container_of(pod)["image"] == "registry.invalid/trader:2"
    assert container_of(pod)["imagePullPolicy"] == "Never"
    assert container_of(pod)["resources"] == {"requests": {"cpu": "1"}}
    assert pod["spec"]["nodeSelector"] == {"role": "trading"}
    assert {"key": "dedicated", "operator": "Exists"} in pod["spec"]["tolerations"]


def test_a_leader_asks_for_little(settings: OperatorSettings) -> None:
    assert container_of(build(settings))["resources"] == {
        "requests": {"cpu": "20m", "memory": "64Mi"},
        "limits": {"memory": "256Mi"},
    }


def told(settings: OperatorSettings, **leader: Any) -> dict[str, Any]:
    """Build the pod where the configuration says this of leaders, in its own spelling."""
    own = LeaderSettings.model_validate({"image": "symbol-trader:1", **leader})
    return build(settings.model_copy(update={"leader": own}))


AFFINITY: dict[str, Any] = {
    "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}
}
ROOTS = {"name": "roots", "secret": {"secretName": "roots"}}
ROOTS_MOUNT = {"name": "roots", "mountPath": "/etc/roots", "readOnly": True}
ROOTS_VARIABLE = {"name": "PGSSLROOTCERT", "value": "/etc/roots/ca.crt"}


def test_a_leader_is_placed_as_the_configuration_says(settings: OperatorSettings) -> None:
    spec = told(
        settings,
        affinity=AFFINITY,
        priorityClassName="trading",
        runtimeClassName="gvisor",
        imagePullSecrets=[{"name": "registry"}],
    )["spec"]

    assert spec["affinity"] == AFFINITY
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("trading", "gvisor")
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    names = {"affinity", "priorityClassName", "runtimeClassName"}
    assert not names & build(settings)["spec"].keys()


def test_leaders_are_spread_over_nodes_unless_told_otherwise(settings: OperatorSettings) -> None:
    labels = {
        "app.kubernetes.io/name": "symbol-trader",
        "app.kubernetes.io/managed-by": "symbol-operator",
    }
    selector = {"matchLabels": labels}
    (usual,) = build(settings)["spec"]["topologySpreadConstraints"]
    assert usual == {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": selector,
    }

    zones = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    others = {**zones, "labelSelector": {"matchLabels": {"team": "a"}}}
    pod = told(settings, topologySpreadConstraints=[zones, others])
    assert pod["spec"]["topologySpreadConstraints"] == [
        {**zones, "labelSelector": selector},
        others,
    ]
    assert told(settings, topologySpreadConstraints=[])["spec"]["topologySpreadConstraints"] == []


def test_labels_and_annotations_are_added_to_those_of_the_operator(
    settings: OperatorSettings,
) -> None:
    kept = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    metadata = told(settings, podLabels={"team": "a"}, podAnnotations={kept: "false"})["metadata"]
    usual = build(settings)["metadata"]

    assert metadata["labels"] == {"team": "a", **usual["labels"]}
    assert metadata["annotations"] == {kept: "false", **usual["annotations"]}


def test_files_and_variables_of_others_come_besides_the_operators(
    settings: OperatorSettings,
) -> None:
    """Such as the authority that has signed the certificate of PostgreSQL."""
    pod = told(settings, env=[ROOTS_VARIABLE], volumes=[ROOTS], volumeMounts=[ROOTS_MOUNT])
    usual = build(settings)

    assert pod["spec"]["volumes"] == [*usual["spec"]["volumes"], ROOTS]
    assert container_of(pod)["volumeMounts"] == [*container_of(usual)["volumeMounts"], ROOTS_MOUNT]
    assert container_of(pod)["env"] == [ROOTS_VARIABLE, *container_of(usual)["env"]]


def test_the_proxy_of_an_exchange_entry_has_precedence(settings: OperatorSettings) -> None:
    proxied = at(settings, proxy_secret="proxy")
    theirs = {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}

    assert container_of(told(proxied, env=[theirs]))["env"] == container_of(build(proxied))["env"]
    assert theirs in container_of(told(settings, env=[theirs]))["env"]


def test_a_security_context_that_is_given_takes_the_place_of_the_default(
    settings: OperatorSettings,
) -> None:
    """OpenShift gives each namespace user ids of its own, and refuses others."""
    of_pod = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    of_container = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = told(settings, podSecurityContext=of_pod, securityContext=of_container)

    assert pod["spec"]["securityContext"] == of_pod
    assert container_of(pod)["securityContext"] == of_container


def digest(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["annotations"][ANNOTATION_TEMPLATE_HASH])


def test_the_hash_of_a_leader_is_that_of_the_version_before(settings: OperatorSettings) -> None:
    """Else an update of the operator alone replaces every leader."""
    assert digest(build(settings)) == "77414e72a832c9f5"


def test_the_hash_changes_with_the_template_and_with_nothing_else(
    settings: OperatorSettings,
) -> None:
    other = settings.model_copy(update={"leader": LeaderSettings(image="symbol-trader:2")})

    assert digest(build(settings)) == digest(build(settings, budget=500, status="shutdown"))
    assert digest(build(settings)) != digest(build(other))


@pytest.mark.parametrize(
    ("leader", "replaces"),
    [
        ({"podLabels": {"team": "a"}}, False),
        ({"podAnnotations": {"team": "a"}}, False),
        ({"imagePullSecrets": [{"name": "registry"}]}, False),
        ({"topologySpreadConstraints": []}, False),
        ({"affinity": {}, "priorityClassName": "", "runtimeClassName": ""}, False),
        ({"env": [], "volumes": [], "volumeMounts": []}, False),
        ({"affinity": AFFINITY}, True),
        ({"priorityClassName": "trading"}, True),
        ({"runtimeClassName": "gvisor"}, True),
        ({"env": [ROOTS_VARIABLE]}, True),
        ({"volumes": [ROOTS]}, True),
        ({"podSecurityContext": {}}, True),
        ({"securityContext": {}}, True),
        ({"resources": {}}, True),
    ],
)
def test_a_leader_is_replaced_for_what_changes_how_it_runs(
    settings: OperatorSettings, leader: dict[str, Any], *, replaces: bool
) -> None:
    """What matters only when a pod is created waits for the next one."""
    assert (digest(told(settings, **leader)) != digest(build(settings))) is replaces
