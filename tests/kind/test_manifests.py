"""What an installation brings: it renders, and every pod of it is a restricted one."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kind.kubectl import PROJECT, STATE, command
from symbol_operator.settings import load_settings

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
    folder = STATE / "components" / component
    folder.mkdir(parents=True, exist_ok=True)
    kustomization = {"components": [f"../../../manifests/components/{component}"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    assert {item["kind"] for item in render(folder)} == COMPONENTS[component]
