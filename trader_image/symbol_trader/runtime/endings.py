"""Why a leader's process ends."""

from dataclasses import dataclass

from tradingsymbol_api.pod import Cause


@dataclass(frozen=True, slots=True)
class Ending:
    """How the process ended, in a word and in a sentence."""

    cause: Cause
    message: str
