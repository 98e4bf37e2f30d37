"""Names that the operator, the leader and the manifests must spell the same way."""

from typing import Final

GROUP: Final = "tradingsymbol.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "TradingSymbol"
LIST_KIND: Final = "TradingSymbolList"
SINGULAR: Final = "tradingsymbol"
PLURAL: Final = "tradingsymbols"
SHORT_NAME: Final = "tsym"
CATEGORY: Final = "trading"
CRD_NAME: Final = f"{PLURAL}.{GROUP}"

LIMIT_KIND: Final = "TradingLimit"
LIMIT_LIST_KIND: Final = "TradingLimitList"
LIMIT_SINGULAR: Final = "tradinglimit"
LIMIT_PLURAL: Final = "tradinglimits"
LIMIT_SHORT_NAME: Final = "tlim"
LIMIT_CRD_NAME: Final = f"{LIMIT_PLURAL}.{GROUP}"

RESOURCE_NAME_LENGTH_MAX: Final = 52
"""Longest name of a resource: leaves room for suffixes within the 63 characters of a label."""

OPERATOR_FIELD_MANAGER: Final = "symbol-operator"
"""Field manager of every write by the operator."""
LEADER_FIELD_MANAGER: Final = "symbol-trader"
"""Field manager of every write by a leader."""

LEADER_SERVICE_ACCOUNT: Final = "symbol-trader"
"""ServiceAccount of the leader pods, one in each trading namespace."""

LABEL_APP: Final = "app.kubernetes.io/name"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_RESOURCE: Final = f"{GROUP}/name"
"""Label of a leader pod that holds the name of its TradingSymbol."""
ANNOTATION_TEMPLATE_HASH: Final = f"{GROUP}/template-hash"
"""Annotation of a leader pod: digest of what the operator asked for when it created the pod."""
ANNOTATION_TAKES_SLOT: Final = f"{GROUP}/takes-turn"
"""Annotation of a leader pod that follows a ready one in an update: "true". Until it is ready, it
occupies one of the slots for updates."""
LABEL_FENCES: Final = f"{GROUP}/fences"
"""Label of a fence, a pod that takes the epoch of a lost leader: the uid of the leader's pod."""
ANNOTATION_LOST_NODE: Final = f"{GROUP}/lost-node"
"""Annotation of a fence: the node that the leader's pod was on."""

FINALIZER: Final = f"{GROUP}/deletion-policy"
"""Finalizer of a resource whose orders are canceled, or whose cycles end, before it goes."""
ANNOTATION_ABANDON: Final = f"{GROUP}/abandon-orders"
"""Annotation that lets a resource go, if it is "true", whatever `spec.deletionPolicy` says."""
FOREGROUND_FINALIZER: Final = "foregroundDeletion"
"""Kubernetes' own: its garbage collector deletes the leader pod first."""

LEADER_SELECTOR: Final = (
    f"{LABEL_APP}=symbol-trader,{LABEL_MANAGED_BY}=symbol-operator,{LABEL_RESOURCE}"
)
"""Label selector that matches the leader pods of all symbols, and their fences."""

ELECTION_LEASE: Final = "symbol-operator"
"""Lease in the operator's namespace, held by the replica that acts."""
CLAIM_LEASE: Final = "symbol-operator-claim"
"""Lease in each trading namespace, held by the installation that serves it."""

API_KEY_FILE: Final = "api-key"
PRIVATE_KEY_FILE: Final = "private-key"
"""Ed25519, as PEM."""
API_SECRET_FILE: Final = "api-secret"  # noqa: S105 - the name of a key in a Secret, not its value
"""HMAC; a key has this file or the private key's."""
DATABASE_URL_KEY: Final = "url"
"""Keys within the Secrets that exchange and database entries name; an exchange's are files."""
PROXY_URL_KEY: Final = "url"
"""Key within the Secret that names the proxy to an exchange."""
CA_FILE: Final = "ca.crt"
"""Key within the ConfigMap or Secret that holds the certificates of an exchange's authorities."""
LEADER_CONTAINER: Final = "leader"
"""Container of a leader's pod that leads; others may run beside it, such as a mesh's proxy."""


def leader_pod_name(resource: str) -> str:
    """Return the name of the one pod that may lead for the TradingSymbol `resource`."""
    return f"{resource}-leader"


def fence_name(resource: str, source: str) -> str:
    """Return the name of the fence that is made for `resource` from the pod with uid `source`."""
    return f"{resource}-fence-{source[:8]}"


def fence_selector(resource: str) -> str:
    """Return the label selector of the fences of the TradingSymbol `resource`."""
    return f"{LABEL_FENCES},{LABEL_RESOURCE}={resource}"


def leader_labels(resource: str) -> dict[str, str]:
    """Return the labels of the leader pod of the TradingSymbol `resource`."""
    return {
        LABEL_APP: "symbol-trader",
        LABEL_MANAGED_BY: "symbol-operator",
        LABEL_RESOURCE: resource,
    }
