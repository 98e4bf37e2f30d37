"""What the configuration may say of leader pods, and how a mistake in it is named."""

from typing import Any

import pytest

from symbol_operator.settings import LeaderSettings, SettingsError, parse_settings


def settings_of(**leader: Any) -> LeaderSettings:
    document = {"namespaces": ["trading"], "leader": {"image": "symbol-trader:1", **leader}}
    return parse_settings(document).leader


def refusal(**leader: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_of(**leader)
    return str(caught.value)


ROOTS = {"name": "roots", "configMap": {"name": "roots"}}

GOOD: list[dict[str, Any]] = [
    {"affinity": {"nodeAffinity": {}, "podAffinity": {}, "podAntiAffinity": {}}},
    {"topologySpreadConstraints": [{"topologyKey": "a"}, {"topologyKey": "a", "maxSkew": 2}]},
    {"priorityClassName": "trading", "runtimeClassName": "gvisor"},
    {"priorityClassName": "", "runtimeClassName": ""},
    {"imagePullSecrets": [{"name": "one"}, {"name": "two"}]},
    {"podLabels": {"example.com/team": "a", "empty": "", "x": "a_b.c-d"}},
    {"podAnnotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "b": "any; é"}},
    {"podSecurityContext": {}, "securityContext": {"privileged": False}},
    {"env": [{"name": "A", "value": ""}, {"name": "b.c-D_1", "valueFrom": {"fieldRef": {}}}]},
    {"env": [{"name": "SYMBOL_TRADER_EXCHANGE_MARGIN_MS", "value": "2000"}]},
    {"volumes": [ROOTS], "volumeMounts": [{"name": "roots", "mountPath": "/etc/roots/"}]},
    {"volumes": [ROOTS], "volumeMounts": [{"name": "roots", "mountPath": "/run/roots"}]},
]


@pytest.mark.parametrize("leader", GOOD)
def test_what_kubernetes_takes_is_taken(leader: dict[str, Any]) -> None:
    settings_of(**leader)


def mount(path: object) -> dict[str, Any]:
    return {"volumes": [ROOTS], "volumeMounts": [{"name": "roots", "mountPath": path}]}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"affinity": []}, "leader.affinity: must be a mapping, as in a pod, not []"),
    (
        {"affinity": {"nodeAfinity": {}}},
        "leader.affinity: nodeAfinity is none of nodeAffinity, podAffinity, podAntiAffinity",
    ),
    (
        {"topologySpreadConstraints": {"topologyKey": "a"}},
        "leader.topologySpreadConstraints: must be a list, as in a pod, not {'topologyKey': 'a'}",
    ),
    (
        {"topologySpreadConstraints": [{"maxSkew": 1}]},
        "leader.topologySpreadConstraints: entry 0: topologyKey must be a text, not None",
    ),
    ({"priorityClassName": "No"}, "leader.priorityClassName: must be a name as Kubernetes takes"),
    ({"runtimeClassName": None}, "leader.runtimeClassName: must be a name as Kubernetes takes"),
    (
        {"imagePullSecrets": ["registry"]},
        "leader.imagePullSecrets: entry 0: must be a mapping, as in a pod, not 'registry'",
    ),
    (
        {"imagePullSecrets": [{"name": "a", "key": "b"}]},
        "leader.imagePullSecrets: entry 0: must be {name: …} and no more, not",
    ),
    (
        {"imagePullSecrets": [{"name": "A"}]},
        "leader.imagePullSecrets: entry 0: must be a name as Kubernetes takes it",
    ),
    (
        {"imagePullSecrets": [{"name": "a"}, {"name": "a"}]},
        "leader.imagePullSecrets: more than one entry has the name a: leave one",
    ),
    (
        {"podAnnotations": {"safe": False}},
        "leader.podAnnotations: safe must be a text: put it in quotes, not False",
    ),
    (
        {"podAnnotations": {"tradingsymbol.dev/template-hash": "1"}},
        "leader.podAnnotations: tradingsymbol.dev/template-hash is set by the operator: leave it",
    ),
    (
        {"podAnnotations": {"a/b/c": "1"}},
        "leader.podAnnotations: 'a/b/c' is no key that Kubernetes takes, such as example.com/team",
    ),
    ({"podLabels": {"x" * 64: "1"}}, "is no key that Kubernetes takes"),
    ({"podLabels": {f"{'x' * 254}/a": "1"}}, "is no key that Kubernetes takes"),
    ({"podLabels": {1: "1"}}, "leader.podLabels: 1 must"),
    ({"podLabels": {"-a": "1"}}, "is no key that Kubernetes takes"),
    (
        {"podLabels": {"app.kubernetes.io/name": "x"}},
        "leader.podLabels: app.kubernetes.io/name is set by the operator: leave it out",
    ),
    (
        {"podLabels": {"team": "a b"}},
        (
            "leader.podLabels: team: a label's value has letters, digits, '-', '_' and '.', at "
            "most 63, not 'a b'"
        ),
    ),
    ({"podLabels": {"team": "x" * 64}}, "leader.podLabels: team: a label's value has letters"),
    ({"podSecurityContext": 1}, "leader.podSecurityContext: must be a mapping, as in a pod, not 1"),
    ({"env": [{"value": "1"}]}, "leader.env: entry 0: name must be a text, not None"),
    ({"env": [{"name": "1A", "value": ""}]}, "leader.env: entry 0: 1A is not a name of an env"),
    (
        {"env": [{"name": "SYMBOL_TRADER_NAME", "value": "x"}]},
        "leader.env: entry 0: SYMBOL_TRADER_NAME is set by the operator: leave it out",
    ),
    ({"env": [{"name": "A"}]}, "leader.env: entry 0: A needs one of value and valueFrom"),
    (
        {"env": [{"name": "A", "value": "", "valueFrom": {}}]},
        "leader.env: entry 0: A needs one of value and valueFrom",
    ),
    (
        {"env": [{"name": "A", "value": 1}]},
        "leader.env: entry 0: the value of A must be a text: put it in quotes, not 1",
    ),
    ({"env": [{"name": "A", "valueFrom": "x"}]}, "leader.env: entry 0: must be a mapping"),
    (
        {"env": [{"name": "A", "value": ""}, {"name": "A", "value": "x"}]},
        "leader.env: more than one entry has the name A: leave one",
    ),
    ({"volumes": [{}]}, "leader.volumes: entry 0: name must be a text, not None"),
    (
        {"volumes": [{"name": "database-url", "emptyDir": {}}]},
        "leader.volumes: entry 0: database-url is a volume of the operator's own: choose another",
    ),
    (mount("etc"), "leader.volumeMounts: entry 0: mountPath must be an absolute path, not 'etc'"),
    (mount("/"), "leader.volumeMounts: entry 0: mountPath must be an absolute path, not '/'"),
    (mount("/run"), "mountPath /run hides /run/exchange-keys, where the operator mounts secrets"),
    (mount("/run/database/x/"), "mountPath /run/database/x hides /run/database, where"),
    (
        {"volumeMounts": [{"name": "roots", "mountPath": "/etc/roots"}]},
        "leader.volumeMounts: no volume is named roots: add it to leader.volumes",
    ),
]


@pytest.mark.parametrize(("leader", "said"), BAD, ids=[said for _, said in BAD])
def test_a_mistake_is_named_with_its_place_and_the_remedy(
    leader: dict[str, Any], said: str
) -> None:
    assert said in refusal(**leader)
