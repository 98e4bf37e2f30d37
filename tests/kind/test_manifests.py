"""What an installation brings: it renders, and every pod of it is a restricted one."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kind.kubectl import PROJECT, STATE, command
from support.go import HELM
from symbol_operator.runtime.settings_file import load_settings

OVERLAYS = PROJECT / "manifests" / "overlays"


def render(folder: Path) -> list[dict[str, Any]]:
    text = subprocess.run(
        [*command(), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return list(yaml.safe_load_all(text))


@pytest.fixture(scope="module", params=["demo", "production"])
def objects(cluster: None, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Return all objects of an overlay."""
    return render(OVERLAYS / request.param)


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in objects if item["kind"] == kind]


def pod_specs(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    owners = [item for item in objects if "template" in item.get("spec", {})]
    return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in owners}


def test_every_pod_is_a_restricted_one(objects: list[dict[str, Any]]) -> None:
    specs = pod_specs(objects)

    assert "symbol-operator" in specs
    for name, spec in specs.items():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert container["resources"]["requests"], name


def test_every_namespace_enforces_that(objects: list[dict[str, Any]]) -> None:
    for namespace in of_kind(objects, "Namespace"):
        labels = namespace["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_configuration_is_one_that_the_operator_takes(
    objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    maps = [item["data"] for item in of_kind(objects, "ConfigMap")]
    path = tmp_path / "operator.yaml"
    (text,) = [data["operator.yaml"] for data in maps if "operator.yaml" in data]
    path.write_text(text, encoding="utf-8")

    settings = load_settings(path, leader_image="given by a variable")

    prepared = {
        item["metadata"]["namespace"]
        for item in of_kind(objects, "ServiceAccount")
        if item["metadata"]["name"] == "symbol-trader"
    }
    assert set(settings.namespaces) == prepared
    assert settings.exchange("paper") is not None


def test_leaders_and_the_migration_have_the_same_image(objects: list[dict[str, Any]]) -> None:
    specs = pod_specs(objects)
    (operator,) = specs["symbol-operator"]["containers"]
    (migrate,) = specs["symbol-trader-migrate"]["containers"]
    variables = {item["name"]: item.get("value") for item in operator["env"]}

    assert variables["SYMBOL_OPERATOR_LEADER_IMAGE"] == migrate["image"]


def test_nobody_but_the_operator_may_touch_pods_and_nobody_may_read_secrets(
    objects: list[dict[str, Any]],
) -> None:
    for role in [*of_kind(objects, "Role"), *of_kind(objects, "ClusterRole")]:
        for rule in role["rules"]:
            assert "secrets" not in rule["resources"]
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            assert "pods" not in rule["resources"] or role["metadata"]["name"] == "symbol-operator"


def test_production_brings_no_secret_no_database_and_no_exchange(cluster: None) -> None:
    objects = render(OVERLAYS / "production")

    assert of_kind(objects, "Secret") == []
    assert set(pod_specs(objects)) == {"symbol-operator", "symbol-trader-migrate"}


COMPONENTS = {
    "monitors": {"Service", "ServiceMonitor", "PodMonitor"},
    "alerts": {"PrometheusRule"},
    "dashboard": {"ConfigMap"},
    "operator-network-policy": {"NetworkPolicy"},
    "leader-network-policy": {"NetworkPolicy"},
}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_brings_what_it_says_and_nothing_else(cluster: None, component: str) -> None:
    assert {item["kind"] for item in render_component(component)} == COMPONENTS[component]


def render_component(name: str) -> list[dict[str, Any]]:
    folder = STATE / "components" / name
    folder.mkdir(parents=True, exist_ok=True)
    kustomization = {"components": [f"../../../manifests/components/{name}"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return render(folder)


CHART = PROJECT / "manifests" / "chart"
SUFFIX = re.compile(r"symbol-operator-config-[a-z0-9]{10}")
"""Behind the configuration's name both put a digest of its content, each in its own way."""


RENDER = ("--include-crds", "--kube-version=1.35.0")


def by_helm(*options: str) -> list[dict[str, Any]]:
    text = subprocess.run(
        [str(HELM.find()), "template", "trading", str(CHART), *RENDER, *options],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [item for item in yaml.safe_load_all(text) if item]


def alike(objects: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return objects by kind, namespace and name, without what is no difference."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in objects:
        one: dict[str, Any] = json.loads(SUFFIX.sub("symbol-operator-config", json.dumps(item)))
        if text := one.get("data", {}).get("operator.yaml"):
            one["data"]["operator.yaml"] = yaml.safe_load(text)
        metadata = one["metadata"]
        found[one["kind"], metadata.get("namespace", ""), metadata["name"]] = one
    assert len(found) == len(objects)
    return found


def test_helm_and_kustomize_install_the_same(cluster: None) -> None:
    assert alike(by_helm()) == alike(render(OVERLAYS / "production"))


def test_helm_brings_the_components_that_kustomize_has(cluster: None) -> None:
    switches = ("monitors", "alerts", "dashboard", "networkPolicies")
    more = alike(by_helm(*(f"--set={name}=true" for name in switches)))
    base = alike(by_helm())
    rendered = [item for name in COMPONENTS for item in render_component(name)]
    assert {key: more[key] for key in more.keys() - base.keys()} == alike(rendered)


def test_helm_prepares_each_trading_namespace(cluster: None) -> None:
    objects = by_helm("--set=namespaces={alpha,beta}")
    made = {item["metadata"]["namespace"] for item in of_kind(objects, "Role")} - {"trading-system"}
    assert made == {"alpha", "beta"}
    named = {item["metadata"]["name"] for item in of_kind(objects, "Namespace")}
    assert named == {"alpha", "beta", "trading-system"}
    maps = [item["data"] for item in of_kind(objects, "ConfigMap")]
    assert yaml.safe_load(maps[0]["operator.yaml"])["namespaces"] == ["alpha", "beta"]


def test_helm_keeps_the_rights_in_a_namespace_that_is_left(cluster: None) -> None:
    """Its leaders have to be ended first."""
    objects = by_helm("--set=namespaces={alpha},leavingNamespaces={beta}")
    made = {item["metadata"]["namespace"] for item in of_kind(objects, "Role")} - {"trading-system"}
    assert made == {"alpha", "beta"}
    maps = [item["data"] for item in of_kind(objects, "ConfigMap")]
    assert yaml.safe_load(maps[0]["operator.yaml"])["leavingNamespaces"] == ["beta"]


def test_helm_without_a_migration_leaves_it_out(cluster: None) -> None:
    assert of_kind(by_helm("--set=migrate=false"), "Job") == []
