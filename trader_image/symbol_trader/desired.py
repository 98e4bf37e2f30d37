"""What a resource asks for, and what comes of writing into it."""

from dataclasses import dataclass
from enum import Enum, auto

from symbol_trader.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Desired:
    """What the resource asks for, at one generation of it.

    `cancels_first` says that it is being deleted, and that its orders are to go first.
    `revision` names what was read, to later processes too, and `follows` the revision directly
    before it: whoever knows one of the two has missed no change.
    """

    symbol: str
    settings: Settings
    generation: int
    cancels_first: bool = False
    revision: str = ""
    follows: str = ""

    def continues(self, earlier: "Desired") -> bool:
        """Return whether no revision between an earlier one and this one can have been missed."""
        return earlier.revision in {self.revision, self.follows}


class SwitchOffOutcome(Enum):
    """What became of the attempt to switch the resource off."""

    WRITTEN = auto()
    SUPERSEDED = auto()
    """A user changed the status meanwhile; the user wins."""
