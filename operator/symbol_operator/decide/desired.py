"""What a resource asks for, and what keeps a leader from being created. No side effects."""

from dataclasses import dataclass

from symbol_operator.decide.plan import Desired
from symbol_operator.decide.specs import NOTHING, DesiredLeader, Specs
from symbol_operator.observe.pod import Problem
from symbol_operator.observe.symbol import Lifecycle, ObservedSymbol
from symbol_operator.settings import OperatorSettings


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What a resource asks for, and what keeps a leader from being created."""

    status: Desired
    leader: DesiredLeader = NOTHING

    @property
    def blocker(self) -> Problem | None:
        """Why no leader may be created, None if nothing is in the way."""
        return self.leader.blocker


def read_desired(
    symbol: ObservedSymbol | None, specs: Specs, *, namespace_ending: bool
) -> DesiredState:
    """Read what a resource asks for."""
    if symbol is None:
        return DesiredState(Desired.END)
    # What can be read of an invalid one still counts: a symbol must be stoppable in any case.
    desired = desired_of(symbol.life, namespace_ending=namespace_ending)
    return DesiredState(desired, specs.read(symbol.document))


def desired_of(life: Lifecycle, *, namespace_ending: bool) -> Desired:
    """Return what is asked for; no leader can be created in a namespace that is ending."""
    if life.deleting:
        return Desired.FINISH if life.finishes_first and not namespace_ending else Desired.END
    return Desired(life.desired.value)


def is_left(life: Lifecycle, settings: OperatorSettings) -> bool:
    """Return whether a resource is to be left as it is; a deletion under way is finished first."""
    return not life.deleting and life.namespace in settings.leaving_namespaces
