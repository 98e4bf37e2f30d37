"""Why a leader's process ends."""

from dataclasses import dataclass

from tradingsymbol_api.pod import Cause


@dataclass(frozen=True, slots=True)
class Ending:
    """How the process ended: the cause that the operator reads, and a sentence for people."""

    cause: Cause
    message: str
