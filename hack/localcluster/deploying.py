"""Puts the demonstration's overlay, with this clone's images, on the cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localcluster import processes
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localcluster.console import Console

SYSTEM = "trading-system"
MIGRATION = "job/symbol-trader-migrate"
WORKLOADS = ("statefulset/postgres", "statefulset/paper-exchange", "deployment/symbol-operator")
WAIT_SECONDS = 180


def kustomization(overlay: str, references: Mapping[str, str], market: Sequence[str] = ()) -> str:
    """Write a kustomization that gives an overlay its images; the leader's is the migration's.

    `market` is added to the arguments of the paper exchange, where a later one counts.
    """
    images = "".join(_image(name, reference) for name, reference in references.items())
    return f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{overlay}]
images:
{images}replacements:
- source:
    kind: Job
    name: symbol-trader-migrate
    fieldPath: spec.template.spec.containers.0.image
  targets:
  - select: {{kind: Deployment, name: symbol-operator}}
    fieldPaths: ["spec.template.spec.containers.0.env.[name=SYMBOL_OPERATOR_LEADER_IMAGE].value"]
{_market(market)}"""


def deploy(
    kubectl: Sequence[str | Path],
    folder: Path,
    references: Mapping[str, str],
    market: Sequence[str],
    console: Console,
) -> None:
    """Apply the overlay and wait until everything is ready. Safe to repeat.

    `kubectl` begins a command line, `folder` takes the kustomization, `market` is added to the
    arguments of the paper exchange.

    Raises:
        LocalClusterError: something is not ready in time; the message shows the pods.

    """
    folder.mkdir(parents=True, exist_ok=True)
    text = kustomization("../../manifests/overlays/demo", references, market)
    (folder / "kustomization.yaml").write_text(text)
    # A Job cannot be changed, and a migration can be repeated.
    processes.check([*kubectl, "--namespace", SYSTEM, "delete", MIGRATION, "--ignore-not-found"])
    with console.step("installing operator, database and paper exchange"):
        processes.check(
            [*kubectl, "apply", "--server-side", "--force-conflicts", "--kustomize", str(folder)]
        )
    with console.step("waiting until they are ready"):
        for workload in WORKLOADS:
            _wait(kubectl, "rollout", "status", workload)
        _wait(kubectl, "wait", MIGRATION, "--for=condition=Complete")


def _image(name: str, reference: str) -> str:
    new_name, tag = reference.rsplit(":", 1)
    return f'- {{name: {name}, newName: {new_name}, newTag: "{tag}"}}\n'


def _market(arguments: Sequence[str]) -> str:
    if not arguments:
        return ""
    added = [
        {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": argument}
        for argument in arguments
    ]
    return f"""\
patches:
- target: {{kind: StatefulSet, name: paper-exchange}}
  patch: '{json.dumps(added)}'
"""


def _wait(kubectl: Sequence[str | Path], *arguments: str) -> None:
    try:
        processes.check([*kubectl, "--namespace", SYSTEM, *arguments, f"--timeout={WAIT_SECONDS}s"])
    except LocalClusterError as exc:
        pods = processes.check([*kubectl, "--namespace", SYSTEM, "get", "pods", "-o", "wide"])
        raise LocalClusterError(f"{exc}\n{pods}") from exc
