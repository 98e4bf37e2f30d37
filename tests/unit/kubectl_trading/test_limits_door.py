"""How limits are read and written at the API server: what is asked, and of which kind."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import Conflict, Where
from kubectl_trading.limits import halting

LIMIT = {
    "metadata": {"namespace": "trading", "name": "all", "resourceVersion": "7"},
    "spec": {"exchange": "paper"},
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """Write a kubeconfig of a cluster that nobody asks."""
    file = tmp_path / "config"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "trading"}}
    user = {"name": "u", "user": {"token": "t"}}
    document = {"clusters": [cluster], "contexts": [context], "users": [user]}
    file.write_text(yaml.safe_dump({**document, "current-context": "c"}))
    return str(file)


@pytest.mark.parametrize("everywhere", [False, True])
def test_limits_are_those_of_the_namespace_or_of_all(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: str, everywhere: bool
) -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(_: object, *where: str, **_call: Any) -> dict[str, Any]:
        asked.append(where)
        return {"items": [LIMIT]}

    which = "cluster" if everywhere else "namespaced"
    monkeypatch.setattr(CustomObjectsApi, f"list_{which}_custom_object", answer)
    [limit] = Cluster(Where(kubeconfig, all_namespaces=everywhere)).limits()
    assert (limit.namespace, limit.name) == ("trading", "all")
    place = () if everywhere else ("trading",)
    assert asked == [("tradingsymbol.dev", "v1alpha1", *place, "tradinglimits")]


@pytest.mark.parametrize(("whatever", "version"), [(True, {}), (False, {"resourceVersion": "7"})])
def test_a_halt_overrides_what_others_wrote_and_a_resume_does_not(
    monkeypatch: pytest.MonkeyPatch, kubeconfig: str, whatever: bool, version: dict[str, str]
) -> None:
    written: list[Any] = []

    def patch(_: object, *arguments: Any, **_call: Any) -> None:
        written.append(arguments)
        if not whatever:
            raise ApiException(409, "Conflict")

    monkeypatch.setattr(
        CustomObjectsApi, "list_namespaced_custom_object", lambda *_, **__: {"items": [LIMIT]}
    )
    monkeypatch.setattr(CustomObjectsApi, "patch_namespaced_custom_object", patch)
    cluster = Cluster(Where(kubeconfig))
    [limit] = cluster.limits()
    if whatever:
        cluster.write_limit(limit, halting(None), whatever_it_says=True)
    else:
        with pytest.raises(Conflict):
            cluster.write_limit(limit, halting(None), whatever_it_says=False)
    *_, name, body = written[0]
    assert name == "all"
    assert body == {"metadata": version, "spec": {"halt": True}}
