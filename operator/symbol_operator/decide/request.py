"""What a resource asks for, and what stands in the way of a leader. No side effects."""

from dataclasses import dataclass

from symbol_operator.decide.plan import Wish
from symbol_operator.decide.specs import NOTHING, Asked, Specs
from symbol_operator.observe.pod import Trouble
from symbol_operator.observe.symbol import Lifecycle, ObservedSymbol
from symbol_operator.settings import OperatorSettings


@dataclass(frozen=True, slots=True)
class Request:
    """What a resource asks for, and what stands in the way of a leader."""

    wish: Wish
    asked: Asked = NOTHING

    @property
    def blocker(self) -> Trouble | None:
        """Why no leader may be created, None if nothing is in the way."""
        return self.asked.blocker


def read_request(symbol: ObservedSymbol | None, specs: Specs, *, namespace_ending: bool) -> Request:
    """Read what a resource asks for."""
    if symbol is None:
        return Request(Wish.END)
    # What can be read of an invalid one still counts: a symbol must be stoppable in any case.
    wish = wish_of(symbol.life, namespace_ending=namespace_ending)
    return Request(wish, specs.read(symbol.document))


def wish_of(life: Lifecycle, *, namespace_ending: bool) -> Wish:
    """Return what is asked for; no leader can be created in a namespace that is ending."""
    if life.deleting:
        return Wish.FINISH if life.finishes_first and not namespace_ending else Wish.END
    return Wish(life.asked.value)


def is_left(life: Lifecycle, settings: OperatorSettings) -> bool:
    """Return whether a resource is to be left as it is; a deletion under way is finished first."""
    return not life.deleting and life.namespace in settings.leaving_namespaces
