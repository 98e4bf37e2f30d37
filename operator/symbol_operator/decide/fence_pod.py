"""The fence of a lost leader: a pod that takes its epoch, and ends. No side effects.

All that it needs stands in the lost pod: image, the database's Secret, how to log. So it can be
made for a resource that is gone. It has no owner, or the garbage collector would end it with the
resource; it has no token, for it asks nothing of the API server.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from symbol_operator.observe.containers import FENCE_CONTAINER
from symbol_operator.observe.fence import LostPod
from tradingsymbol_api.names import (
    ANNOTATION_LOST_NODE,
    LABEL_FENCES,
    LABEL_RESOURCE,
    LEADER_CONTAINER,
    fence_name,
    leader_labels,
)
from tradingsymbol_api.pod import CA_FOLDERS, ENV_PREFIX, KEY_FOLDERS, PROXY_VARIABLE, Variable
from tradingsymbol_api.reading import Document, mapping, objects, text

GRACE_SECONDS: Final = 1
"""Nothing of it is worth waiting for: another one begins from the start."""

NEEDED: Final = frozenset(
    variable.env
    for variable in (
        Variable.DATABASE_URL,  # of a pod that an earlier version created
        Variable.DATABASE_URL_FILE,
        Variable.EXCHANGE_MARGIN_MS,
        Variable.EXCHANGE_TIMEOUT_MS,
        Variable.LOG_FORMAT,
        Variable.RECV_WINDOW_MS,
    )
)
"""What it needs of our own variables: no key of the exchange, so none that is missing matters."""
OF_POD: Final = (
    "dnsConfig",
    "dnsPolicy",
    "hostAliases",
    "imagePullSecrets",
    "priorityClassName",
    "runtimeClassName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
)
OF_CONTAINER: Final = ("envFrom", "image", "imagePullPolicy", "resources", "securityContext")
TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
"""Where the API server's admission mounts the token of a pod that has one."""


def fence_pod(source: Document, lost: LostPod, *, release: bool) -> dict[str, Any]:
    """Build the fence of `lost` from its pod, or from an earlier fence of it.

    `release` says that nobody is to go on with what the lost leader holds.
    """
    metadata = mapping(source, "metadata")
    resource = text(metadata, "labels", LABEL_RESOURCE)
    arguments = ["fence", *(["--release"] if release else [])]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": fence_name(resource, text(metadata, "uid")),
            "namespace": text(metadata, "namespace"),
            # By what others have been told to add, a network policy may let it reach the record.
            "labels": {**_labels(source), **leader_labels(resource), LABEL_FENCES: lost.uid},
            "annotations": {ANNOTATION_LOST_NODE: lost.node},
        },
        "spec": _spec(mapping(source, "spec"), lost, arguments),
    }


def _labels(pod: Document) -> dict[str, str]:
    return {
        name: text(pod, "metadata", "labels", name) for name in mapping(pod, "metadata", "labels")
    }


def _spec(source: Document, lost: LostPod, arguments: list[str]) -> dict[str, Any]:
    container = _container(source)
    mounts = [m for m in objects(container, "volumeMounts") if not _is_the_leaders(m)]
    mounted = {text(mount, "name") for mount in mounts}
    return {
        **_picked(source, OF_POD),
        "automountServiceAccountToken": False,
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "enableServiceLinks": False,
        "affinity": {"nodeAffinity": _elsewhere(source, lost.node)},
        "volumes": [v for v in objects(source, "volumes") if text(v, "name") in mounted],
        "containers": [
            {
                **_picked(container, OF_CONTAINER),
                "name": FENCE_CONTAINER,
                "args": arguments,
                "env": [
                    *_environment(container),
                    {"name": Variable.FENCED_POD.env, "value": lost.uid},
                ],
                "volumeMounts": mounts,
            }
        ],
    }


def _container(spec: Document) -> Document:
    """Find the leader's or the fence's own container among those that others may have added."""
    containers = objects(spec, "containers")
    ours = {LEADER_CONTAINER, FENCE_CONTAINER}
    return next((item for item in containers if text(item, "name") in ours), {})


def _is_the_leaders(mount: Document) -> bool:
    """Return whether a mount brings the pod's token, or what the exchange is reached with."""
    path = text(mount, "mountPath")
    return path == TOKEN_PATH or path.startswith((f"{KEY_FOLDERS}/", f"{CA_FOLDERS}/"))


def _picked(document: Document, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: document[name] for name in names if name in document}


def _environment(container: Document) -> Iterator[Mapping[str, Any]]:
    """Keep what others have set, and of our own only what is needed."""
    for variable in objects(container, "env"):
        name = text(variable, "name")
        ours = name.startswith(f"{ENV_PREFIX}_") or _is_proxy(variable)
        if name in NEEDED or not ours:
            yield variable


def _is_proxy(variable: Document) -> bool:
    """Return whether it is the exchange's proxy: without its Secret, no fence would start."""
    secret = mapping(variable, "valueFrom", "secretKeyRef")
    return text(variable, "name") == PROXY_VARIABLE and bool(secret)


def _elsewhere(source: Document, node: str) -> dict[str, Any]:
    """Prefer the nodes that the leader may run on, and take any but the lost one.

    Where one node alone is meant for leaders, it is the one that is lost.
    """
    before = mapping(source, "affinity", "nodeAffinity")
    preferred = objects(before, "preferredDuringSchedulingIgnoredDuringExecution")
    selector = mapping(source, "nodeSelector")
    expressions = [{"key": k, "operator": "In", "values": [v]} for k, v in selector.items()]
    own = [{"weight": 100, "preference": {"matchExpressions": expressions}}] if selector else []
    other = {"key": "metadata.name", "operator": "NotIn", "values": [node]}
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchFields": [other]}]
        },
        "preferredDuringSchedulingIgnoredDuringExecution": [*preferred, *own],
    }
