"""The leader pod that a TradingSymbol asks for. No side effects."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from symbol_operator.pod_fields import CA_VOLUME, DATABASE_VOLUME, KEY_VOLUME
from symbol_operator.settings import ExchangeEntry, LeaderSettings, OperatorSettings
from tradingsymbol_api.names import (
    ANNOTATION_TEMPLATE_HASH,
    API_VERSION,
    CA_FILE,
    DATABASE_URL_KEY,
    KIND,
    LABEL_RESOURCE,
    LEADER_CONTAINER,
    LEADER_SERVICE_ACCOUNT,
    PROXY_URL_KEY,
    leader_labels,
    leader_pod_name,
)
from tradingsymbol_api.pod import (
    CA_FOLDERS,
    DATABASE_FOLDERS,
    EVERYWHERE,
    EXCHANGE_TIMEOUT_MS,
    HEALTHZ,
    HTTP_PORT,
    KEY_FOLDERS,
    PROXY_VARIABLE,
    READYZ,
    RECV_WINDOW_MS,
    Variable,
    grace_seconds,
)
from tradingsymbol_api.spec import TradingSymbol

ONLY_WHEN_CREATED: Final = frozenset({"imagePullSecrets", "topologySpreadConstraints"})
"""What matters when a pod is created, and not to one that runs: no reason to replace it."""
ALL_LEADERS: Final = {
    name: value for name, value in leader_labels("").items() if name != LABEL_RESOURCE
}
"""Labels that the leaders of all symbols have."""

LOST_NODE_SECONDS: Final = 10
"""How long a leader pod stays on a node that does not answer; Kubernetes' default is 300."""
LOST_NODE_TAINTS: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def leader_pod(
    resource: TradingSymbol, entry: ExchangeEntry, settings: OperatorSettings, cluster: str
) -> dict[str, Any]:
    """Build the leader pod of `resource`, which trades at `entry`.

    `cluster` identifies the cluster: the uid of its namespace kube-system.
    """
    name = resource.metadata.name
    spec = _pod_spec(resource, entry, settings, cluster)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": leader_pod_name(name),
            "namespace": resource.metadata.namespace,
            "labels": {**settings.leader.pod_labels, **leader_labels(name)},
            "annotations": {
                **settings.leader.pod_annotations,
                ANNOTATION_TEMPLATE_HASH: _digest(spec),
            },
            "ownerReferences": [_owner(resource)],
        },
        "spec": spec,
    }


def _digest(spec: dict[str, Any]) -> str:
    counts = {name: value for name, value in spec.items() if name not in ONLY_WHEN_CREATED}
    canonical = json.dumps(counts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _owner(resource: TradingSymbol) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": resource.metadata.name,
        "uid": resource.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pod_spec(
    resource: TradingSymbol, entry: ExchangeEntry, settings: OperatorSettings, cluster: str
) -> dict[str, Any]:
    leader = settings.leader
    return {
        "serviceAccountName": LEADER_SERVICE_ACCOUNT,
        # Exit 0 means that there is nothing left to do; anything else is tried again in place.
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": grace_seconds(entry.recv_window, entry.timeout),
        "enableServiceLinks": False,
        "nodeSelector": dict(leader.node_selector),
        "tolerations": [*_lost_node_tolerations(), *map(dict, leader.tolerations)],
        **_placement(leader),
        "securityContext": dict(leader.pod_security_context),
        "containers": [
            {
                "name": LEADER_CONTAINER,
                "args": ["lead"],
                "env": _environment(resource, entry, settings, cluster),
                "volumeMounts": [
                    *(
                        {"name": name, "mountPath": folder, "readOnly": True}
                        for name, folder in _folders(entry, settings).items()
                    ),
                    *map(dict, leader.volume_mounts),
                ],
                **_container(leader),
            }
        ],
        "volumes": [*_volumes(entry, settings), *map(dict, leader.volumes)],
        "imagePullSecrets": [*map(dict, leader.image_pull_secrets)],
        "topologySpreadConstraints": [*map(_spread, leader.topology_spread_constraints)],
    }


def _placement(leader: LeaderSettings) -> dict[str, Any]:
    """Describe what a pod has only where it is told."""
    told = {
        "affinity": leader.affinity,
        "priorityClassName": leader.priority_class_name,
        "runtimeClassName": leader.runtime_class_name,
    }
    return {name: value for name, value in told.items() if value}


def _spread(constraint: Mapping[str, Any]) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": ALL_LEADERS}, **constraint}


def _volumes(entry: ExchangeEntry, settings: OperatorSettings) -> list[dict[str, Any]]:
    """Describe the volumes of files, which follow a change of their object; variables do not.

    A missing object is the leader's to tell: of a volume that waits for it, the kubelet says
    nothing in the pod.
    """
    certificates = (
        {"configMap": {"name": entry.ca_config_map, "optional": True}}
        if entry.ca_config_map
        else _files_of_secret(entry.ca_secret)
    )
    sources = {
        KEY_VOLUME: _files_of_secret(entry.secret),
        DATABASE_VOLUME: _files_of_secret(settings.database_secret),
        CA_VOLUME: certificates,
    }
    return [{"name": name, **sources[name]} for name in _folders(entry, settings)]


def _files_of_secret(name: str) -> dict[str, Any]:
    return {"secret": {"secretName": name, "optional": True}}


def _folders(entry: ExchangeEntry, settings: OperatorSettings) -> dict[str, str]:
    """Return where each volume is mounted: by the folder's name the leader names the object."""
    folders = {
        KEY_VOLUME: f"{KEY_FOLDERS}/{entry.secret}",
        DATABASE_VOLUME: f"{DATABASE_FOLDERS}/{settings.database_secret}",
    }
    if certificates := entry.ca_config_map or entry.ca_secret:
        folders[CA_VOLUME] = f"{CA_FOLDERS}/{certificates}"
    return folders


def _lost_node_tolerations() -> list[dict[str, Any]]:
    return [
        {
            "key": taint,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": LOST_NODE_SECONDS,
        }
        for taint in LOST_NODE_TAINTS
    ]


def _container(leader: LeaderSettings) -> dict[str, Any]:
    """Describe what is the same in the container of every leader."""
    return {
        "image": leader.image,
        "imagePullPolicy": leader.image_pull_policy,
        "ports": [{"name": "http", "containerPort": HTTP_PORT}],
        "resources": dict(leader.resources),
        "startupProbe": _probe(HEALTHZ, period=2, failures=60),
        "livenessProbe": _probe(HEALTHZ, period=10, failures=3),
        "readinessProbe": _probe(READYZ, period=3, failures=2),
        "securityContext": dict(leader.security_context),
    }


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _environment(
    resource: TradingSymbol, entry: ExchangeEntry, settings: OperatorSettings, cluster: str
) -> list[dict[str, Any]]:
    folders = _folders(entry, settings)
    plain = {
        Variable.EXCHANGE_ENVIRONMENT: entry.environment,
        **_exchange(entry, folders),
        Variable.DATABASE_URL_FILE: f"{folders[DATABASE_VOLUME]}/{DATABASE_URL_KEY}",
        Variable.CLUSTER: cluster,
        Variable.NAMESPACE: resource.metadata.namespace,
        Variable.NAME: resource.metadata.name,
        Variable.HTTP_HOST: EVERYWHERE,
        Variable.HTTP_PORT: str(HTTP_PORT),
        Variable.LOG_FORMAT: settings.leader.log_format,
        **_timing(entry),
    }
    ours = [
        *({"name": variable.env, "value": value} for variable, value in plain.items()),
        *_proxy(entry),
        _from_pod(Variable.POD, "metadata.name"),
        _from_pod(Variable.POD_UID, "metadata.uid"),
        _from_pod(Variable.NODE, "spec.nodeName"),
    ]
    names = {variable["name"] for variable in ours}
    return [*(dict(each) for each in settings.leader.env if each["name"] not in names), *ours]


def _exchange(entry: ExchangeEntry, folders: Mapping[str, str]) -> dict[Variable, str]:
    """Tell the leader where its key is, and which of the exchange's own settings are changed."""
    changed = {
        Variable.EXCHANGE_API_URL: entry.api_url,
        Variable.EXCHANGE_STREAM_URL: entry.stream_url,
        Variable.EXCHANGE_REST_URL: entry.rest_url,
        Variable.REAL_MONEY: "true" if entry.real_money else "",
        Variable.ALLOW_UNRESTRICTED_KEY: "true" if entry.allow_unrestricted_key else "",
        Variable.EXCHANGE_CA_FILE: f"{folders[CA_VOLUME]}/{CA_FILE}"
        if CA_VOLUME in folders
        else "",
        Variable.EXCHANGE_ADDRESS_GROUP: entry.address_group,
    }
    told = {variable: value for variable, value in changed.items() if value}
    return {**told, Variable.EXCHANGE_KEY: folders[KEY_VOLUME]}


def _timing(entry: ExchangeEntry) -> dict[Variable, str]:
    """Return the times that are not the defaults: to name those would change the pod's digest."""
    times = (
        (Variable.RECV_WINDOW_MS, entry.recv_window, RECV_WINDOW_MS),
        (Variable.EXCHANGE_TIMEOUT_MS, entry.timeout, EXCHANGE_TIMEOUT_MS),
    )
    return {variable: str(value) for variable, value, default in times if value != default}


def _proxy(entry: ExchangeEntry) -> list[dict[str, Any]]:
    """Name the proxy, which may hold a password. Without its Secret no leader starts.

    Else it would go without the proxy, from an address that it was not to show.
    """
    if not entry.proxy_secret:
        return []
    url = {"secretKeyRef": {"name": entry.proxy_secret, "key": PROXY_URL_KEY}}
    return [{"name": PROXY_VARIABLE, "valueFrom": url}]


def _from_pod(variable: Variable, path: str) -> dict[str, Any]:
    return {"name": variable.env, "valueFrom": {"fieldRef": {"fieldPath": path}}}
