"""Fields of a pod that a configuration sets, read strictly enough to name a mistake by its place.

What is inside of an affinity or a volume is the API server's to judge; what would harm a leader, or
would be refused for each pod alike, is refused here. No side effects.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from tradingsymbol_api.names import GROUP, leader_labels
from tradingsymbol_api.pod import CA_FOLDERS, DATABASE_FOLDERS, KEY_FOLDERS, Variable
from tradingsymbol_api.reading import shown

KEY_VOLUME: Final = "exchange-key"
CA_VOLUME: Final = "exchange-ca"
DATABASE_VOLUME: Final = "database-url"
OWN_VOLUMES: Final = frozenset({KEY_VOLUME, CA_VOLUME, DATABASE_VOLUME})
OWN_FOLDERS: Final = (KEY_FOLDERS, CA_FOLDERS, DATABASE_FOLDERS)
OWN_VARIABLES: Final = frozenset(
    variable.env for variable in Variable if variable is not Variable.EXCHANGE_MARGIN_MS
)
"""What the operator tells a leader; it has no word for the margin."""

OBJECT_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
OBJECT_NAME_MAX: Final = 253
_PLAIN: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
"""The name of a label without its prefix, or a label's value."""
_PLAIN_MAX: Final = 63
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
AFFINITIES: Final = frozenset({"nodeAffinity", "podAffinity", "podAntiAffinity"})

Entry = Mapping[str, Any]


def _object_name(value: Any) -> str:
    """Read the name of an object of Kubernetes, or none: its files are mounted by this name."""
    return "" if value == "" else _required_name(value)


def _required_name(value: Any) -> str:
    named = isinstance(value, str) and len(value) <= OBJECT_NAME_MAX
    if not named or not OBJECT_NAME.fullmatch(str(value)):
        raise ValueError(
            "must be a name as Kubernetes takes it (lower-case letters, digits, '-' and '.', at "
            f"most {OBJECT_NAME_MAX}), not {shown(value)}"
        )
    return str(value)


ObjectName = Annotated[str, BeforeValidator(_object_name)]
RequiredName = Annotated[str, BeforeValidator(_required_name)]


def _mapping(value: object) -> Entry:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping, as in a pod, not {shown(value)}")  # noqa: TRY004 - pydantic takes a ValueError
    return value


def _entries(
    check: Callable[[Entry], None], key: str = ""
) -> Callable[[object], tuple[Entry, ...]]:
    """Make a reader of a list whose entries pass a check and differ in `key`, if there is one."""

    def read(value: object) -> tuple[Entry, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"must be a list, as in a pod, not {shown(value)}")  # noqa: TRY004 - pydantic takes a ValueError
        for place, entry in enumerate(value):
            try:
                check(_mapping(entry))
            except ValueError as exc:
                raise ValueError(f"entry {place}: {exc}") from exc
        found = [entry[key] for entry in value if key]
        if doubled := [each for each in found if found.count(each) > 1]:
            raise ValueError(f"more than one entry has the {key} {doubled[0]}: leave one")
        return tuple(value)

    return read


def _text(entry: Entry, key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text, not {shown(value)}")
    return value


def _check_variable(entry: Entry) -> None:
    name = _text(entry, "name")
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name} is not a name of an environment variable")
    if name in OWN_VARIABLES:
        raise ValueError(f"{name} is set by the operator: leave it out")
    if ("value" in entry) == ("valueFrom" in entry):
        raise ValueError(f"{name} needs one of value and valueFrom")
    if "value" in entry:
        _quoted(entry["value"], f"the value of {name}")
    else:
        _mapping(entry["valueFrom"])


def _quoted(value: object, what: str) -> str:
    """Read a text that YAML makes something else of where it is not quoted."""
    if not isinstance(value, str):
        raise ValueError(f"{what} must be a text: put it in quotes, not {shown(value)}")  # noqa: TRY004 - pydantic takes a ValueError
    return value


def _check_volume(entry: Entry) -> None:
    if (name := _text(entry, "name")) in OWN_VOLUMES:
        raise ValueError(f"{name} is a volume of the operator's own: choose another name")


def _check_mount(entry: Entry) -> None:
    _text(entry, "name")
    path = _text(entry, "mountPath").rstrip("/")
    if not path.startswith("/"):
        raise ValueError(f"mountPath must be an absolute path, not {shown(entry['mountPath'])}")
    for own in OWN_FOLDERS:
        if f"{path}/".startswith(f"{own}/") or own.startswith(f"{path}/"):
            raise ValueError(f"mountPath {path} hides {own}, where the operator mounts secrets")


def _check_spread(entry: Entry) -> None:
    _text(entry, "topologyKey")


def _check_pull_secret(entry: Entry) -> None:
    if set(entry) != {"name"}:
        raise ValueError(f"must be {{name: …}} and no more, not {shown(entry)}")
    _required_name(entry["name"])


def _affinity(value: object) -> Entry:
    found = _mapping(value)
    if unknown := sorted(map(str, set(found) - AFFINITIES)):
        raise ValueError(f"{unknown[0]} is none of {', '.join(sorted(AFFINITIES))}")
    return found


def _metadata(own: Callable[[str], bool], value_of: Callable[[str, object], str]) -> Any:
    """Make a reader of labels or annotations; `own` tells which are the operator's."""

    def read(value: object) -> dict[str, str]:
        found = _mapping(value)
        for key in found:
            _check_key(_quoted(key, shown(key)))
            if own(key):
                raise ValueError(f"{key} is set by the operator: leave it out")
        return {key: value_of(key, text) for key, text in found.items()}

    return read


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    prefixed = not slash or (len(prefix) <= OBJECT_NAME_MAX and OBJECT_NAME.fullmatch(prefix))
    if not prefixed or len(name) > _PLAIN_MAX or not _PLAIN.fullmatch(name):
        raise ValueError(f"{shown(key)} is no key that Kubernetes takes, such as example.com/team")


def _label(key: str, value: object) -> str:
    text = _quoted(value, key)
    if text and (len(text) > _PLAIN_MAX or not _PLAIN.fullmatch(text)):
        raise ValueError(
            f"{key}: a label's value has letters, digits, '-', '_' and '.', at most {_PLAIN_MAX}, "
            f"not {shown(text)}"
        )
    return text


def _is_ours(key: str) -> bool:
    return key.startswith(f"{GROUP}/")


def _is_own_label(key: str) -> bool:
    return _is_ours(key) or key in leader_labels("")


def _annotation(key: str, value: object) -> str:
    return _quoted(value, key)


Affinity = Annotated[Entry, BeforeValidator(_affinity)]
Annotations = Annotated[Mapping[str, str], BeforeValidator(_metadata(_is_ours, _annotation))]
Labels = Annotated[Mapping[str, str], BeforeValidator(_metadata(_is_own_label, _label))]
PullSecrets = Annotated[tuple[Entry, ...], BeforeValidator(_entries(_check_pull_secret, "name"))]
SecurityContext = Annotated[Entry, BeforeValidator(_mapping)]
Spread = Annotated[tuple[Entry, ...], BeforeValidator(_entries(_check_spread))]
Variables = Annotated[tuple[Entry, ...], BeforeValidator(_entries(_check_variable, "name"))]
Volumes = Annotated[tuple[Entry, ...], BeforeValidator(_entries(_check_volume, "name"))]
Mounts = Annotated[tuple[Entry, ...], BeforeValidator(_entries(_check_mount, "mountPath"))]
