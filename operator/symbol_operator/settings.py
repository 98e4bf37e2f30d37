"""What the operator can be told, and what makes no sense of it. No side effects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, ValidationError
from pydantic_core import ErrorDetails

from symbol_operator.pod_fields import (
    Affinity,
    Annotations,
    Labels,
    Mounts,
    ObjectName,
    PullSecrets,
    RequiredName,
    SecurityContext,
    Spread,
    Variables,
    Volumes,
)
from tradingsymbol_api.environments import Addresses, Environment, Spelling, problem
from tradingsymbol_api.model import ApiModel
from tradingsymbol_api.names import OPERATOR_FIELD_MANAGER
from tradingsymbol_api.pod import (
    EXCHANGE_TIMEOUT_MAX_MS,
    EXCHANGE_TIMEOUT_MS,
    RECV_WINDOW_MAX_MS,
    RECV_WINDOW_MS,
)
from tradingsymbol_api.reading import shown

USER_ID: Final = 10001
"""The images' own user."""
RECV_WINDOW_MIN_MS: Final = 100
EXCHANGE_TIMEOUT_MIN_MS: Final = 1_000
"""Less refuses or doubts every order, wherever the exchange is."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an operator is to the others."""

    pod: str
    """Tells the replicas of an installation apart."""
    namespace: str
    """That of the Lease for which they compete."""

    @property
    def installation(self) -> str:
        """Tells installations in a cluster apart."""
        return f"{self.namespace}/{OPERATOR_FIELD_MANAGER}"


class SettingsError(ValueError):
    """The configuration is unusable; the message names each field at fault."""


def _milliseconds(least: int, most: int) -> Callable[[object], int]:
    """Make a reader for a time; one in seconds, say, is below the least."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(
                f"must be a whole number of milliseconds from {least} to {most}, not {shown(value)}"
            )
        return value

    return parse


class _Section(ApiModel):
    model_config = ConfigDict(extra="forbid")


SPELLING: Final = Spelling(
    api_url="apiUrl",
    stream_url="streamUrl",
    rest_url="restUrl",
    real_money="realMoney",
    real_money_said="realMoney: true",
    allow_unrestricted_key="allowUnrestrictedKey",
)
"""How an exchange entry spells its settings."""


class ExchangeEntry(_Section):
    """One entry of the exchange list: what `spec.exchange` names."""

    name: str
    environment: Environment
    real_money: StrictBool = False
    """Allows `live`, which trades real money, and nothing else."""
    api_url: str = ""
    """WebSocket API: `ws://host:port/ws-api/v3`. Demo, testnet and live have addresses of their
    own, which leaders know."""
    stream_url: str = ""
    """Market streams: `ws://host:port`."""
    rest_url: str = ""
    """REST: `https://host`. A live key is looked at there before it trades."""
    secret: RequiredName
    """Secret in the resource's namespace with the keys `api-key` and `private-key` (Ed25519, PEM)
    or `api-secret` (HMAC)."""
    allow_unrestricted_key: StrictBool = False
    """Lets a live key trade that any address may use."""
    ca_config_map: ObjectName = ""
    """ConfigMap in the resource's namespace with the key `ca.crt` (PEM): authorities whose
    certificates the exchange may show, besides the system's."""
    ca_secret: ObjectName = ""
    """The same in a Secret."""
    proxy_secret: ObjectName = ""
    """Secret in the resource's namespace with the key `url`: the proxy on the way to the exchange,
    `http://user:password@host:port` or `socks5h://…`."""
    address_group: ObjectName = ""
    """Leaders that reach the exchange from one address; they share its limits. Empty: all that
    name no group."""
    recv_window: Annotated[
        int, BeforeValidator(_milliseconds(RECV_WINDOW_MIN_MS, RECV_WINDOW_MAX_MS))
    ] = RECV_WINDOW_MS
    """Milliseconds after which the exchange refuses an order that is still under way."""
    timeout: Annotated[
        int, BeforeValidator(_milliseconds(EXCHANGE_TIMEOUT_MIN_MS, EXCHANGE_TIMEOUT_MAX_MS))
    ] = EXCHANGE_TIMEOUT_MS
    """Milliseconds that the exchange works on a request at most."""

    @property
    def problem(self) -> str:
        """Why nothing trades by this entry, and the remedy; empty if it may."""
        if self.ca_config_map and self.ca_secret:
            return "caConfigMap and caSecret name certificates both: remove one of them"
        return problem(
            self.environment,
            Addresses(self.api_url, self.stream_url, self.rest_url),
            SPELLING,
            real_money=self.real_money,
            allow_unrestricted_key=self.allow_unrestricted_key,
        )


class LeaderSettings(_Section):
    """How leader pods look."""

    image: str = ""
    """The trader's image; without one the operator does not start."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    node_selector: Mapping[str, str] = Field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    """Tolerations besides those for lost nodes."""
    affinity: Affinity = Field(default_factory=dict)
    topology_spread_constraints: Spread = (
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
        },
    )
    """A constraint without a labelSelector is about all leaders of the namespace."""
    priority_class_name: ObjectName = ""
    runtime_class_name: ObjectName = ""
    image_pull_secrets: PullSecrets = ()
    """Secrets in the resource's namespace, besides those of the service account."""
    pod_labels: Labels = Field(default_factory=dict)
    pod_annotations: Annotations = Field(default_factory=dict)
    pod_security_context: SecurityContext = Field(
        default_factory=lambda: {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    )
    security_context: SecurityContext = Field(
        default_factory=lambda: {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    )
    """That of the container. One that is given takes the place of the whole default."""
    resources: Mapping[str, Any] = Field(
        default_factory=lambda: {
            "requests": {"cpu": "20m", "memory": "64Mi"},
            # A leader has up to 80 MiB; an audit in its container, as much again.
            "limits": {"memory": "256Mi"},
        }
    )
    env: Variables = ()
    """Variables besides those that the operator sets."""
    volumes: Volumes = ()
    volume_mounts: Mounts = ()
    log_format: Literal["json", "console"] = "json"


class OperatorSettings(_Section):
    """Everything that the operator can be told."""

    namespaces: tuple[str, ...] = ()
    """Namespaces whose TradingSymbols are served."""
    leaving_namespaces: tuple[str, ...] = ()
    """Namespaces that are to be taken off the list: their leaders are ended whatever their
    TradingSymbols ask for, and nothing of the operator's is left in them."""
    exchanges: tuple[ExchangeEntry, ...] = ()
    database_secret: RequiredName = "trading-database"  # noqa: S105 - the name of a Secret
    """Secret in the resource's namespace with the key `url`."""
    leader: LeaderSettings = Field(default_factory=LeaderSettings)
    workers: int = Field(default=30, ge=1, le=100)
    """Resources that are reconciled at the same time. Each mostly waits for the API server."""
    updates_at_once: int = Field(default=2, ge=1, le=100)
    """Leaders that are updated to a new configuration at the same time."""
    resync_seconds: int = Field(default=300, ge=5, le=600)
    """Time between two comparisons of everything that is known with lists of everything."""
    http_port: int = Field(default=8080, ge=0, le=65535)
    """Port of /healthz, /readyz and /metrics; 0 takes any free port."""

    @property
    def all_namespaces(self) -> tuple[str, ...]:
        """Namespaces in which the operator acts."""
        return (*self.namespaces, *self.leaving_namespaces)

    def exchange(self, name: str) -> ExchangeEntry | None:
        """Find the exchange entry `name`."""
        return next((entry for entry in self.exchanges if entry.name == name), None)


def parse_settings(document: Mapping[str, Any]) -> OperatorSettings:
    """Read the configuration from a document in its spelling.

    Raises:
        SettingsError: it is unusable.

    """
    try:
        settings = OperatorSettings.model_validate(document)
    except ValidationError as exc:
        raise SettingsError("; ".join(map(_problem, exc.errors()))) from exc
    return _checked(settings)


def _problem(error: ErrorDetails) -> str:
    own = error["type"] == "value_error"
    return f"{'.'.join(map(str, error['loc']))}: {error['ctx']['error'] if own else error['msg']}"


def _checked(settings: OperatorSettings) -> OperatorSettings:
    if not settings.all_namespaces:
        raise SettingsError("namespaces: name at least one namespace to serve")
    if doubled := _doubled(settings.all_namespaces):
        raise SettingsError(f"namespaces, leavingNamespaces: {doubled} is named more than once")
    if not settings.leader.image:
        raise SettingsError("leader.image: name the trader's image")
    if missing := _missing_volume(settings.leader):
        raise SettingsError(
            f"leader.volumeMounts: no volume is named {missing}: add it to leader.volumes"
        )
    if doubled := _doubled([entry.name for entry in settings.exchanges]):
        raise SettingsError(f"exchanges: more than one entry is named {doubled}")
    return settings


def _missing_volume(leader: LeaderSettings) -> str:
    """Return the name of a volume that is mounted and is not there, empty if there is none."""
    there = {str(volume["name"]) for volume in leader.volumes}
    return next((m["name"] for m in leader.volume_mounts if m["name"] not in there), "")


def _doubled(names: Sequence[str]) -> str:
    return ", ".join(sorted({name for name in names if names.count(name) > 1}))
