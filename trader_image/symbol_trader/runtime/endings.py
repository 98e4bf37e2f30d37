"""Why a leader's process ends."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why the leader ended; the pod's termination message carries it."""

    DRAINED = "drained"
    FENCED = "fenced"
    STOPPED = "stopped"
    """The resource says off."""
    TERMINATED = "terminated"
    """Asked by a signal."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the process ended, in a word and in a sentence."""

    cause: Cause
    message: str
