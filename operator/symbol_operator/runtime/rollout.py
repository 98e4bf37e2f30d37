"""Which leaders are updated now, and who waits for a slot, over all namespaces."""

from collections.abc import Callable, Iterable

from symbol_operator.decide.decision import Decision
from symbol_operator.decide.plan import Step
from symbol_operator.decide.updates import UpdateSlots
from symbol_operator.runtime.memory import Key


class Rollout:
    """Gives slots once all that were taken before the start are known."""

    def __init__(
        self, at_once: int, served: Callable[[], Iterable[str]], again: Callable[[Key], None]
    ) -> None:
        """Take what lists the namespaces in which this operator acts.

        `again` is called with a symbol that may be updated now.
        """
        self._slots = UpdateSlots[Key](at_once)
        self._served = served
        self._again = again
        self._known: set[str] = set()
        """Namespaces of which it is known which leaders are being updated."""
        self._unlisted: set[str] = set()
        """Namespaces whose last comparison failed."""

    def may_update(self, key: Key) -> bool:
        """Return whether this one may be updated: none before all slots that are taken are known.

        A namespace that cannot be listed keeps no other waiting.
        """
        told = self._known | self._unlisted
        return told.issuperset(self._served()) and self._slots.free(key)

    def follow(self, key: Key, decision: Decision) -> None:
        """Free the slot once the new leader is ready, or none is wanted."""
        if decision.planned.step is Step.UPDATE:
            # One that does not trade is taken down by nobody.
            if decision.pod.trades:
                self.take(key)
        elif decision.waits_for_slot:
            self.wait(key)
        elif decision.needs_no_slot:
            self.end(key)

    def take(self, key: Key) -> None:
        """Note that this one is updated now."""
        self._slots.take(key)

    def wait(self, key: Key) -> None:
        """Note that this one wants a slot."""
        self._slots.wait(key)

    def taken(self, key: Key) -> bool:
        """Return whether this one is updated now."""
        return self._slots.taken(key)

    def end(self, key: Key) -> None:
        """Note that this one needs no slot (any more)."""
        following = self._slots.end(key)
        if following is not None:
            self._again(following)

    def end_all(self, concerned: Callable[[Key], bool]) -> None:
        """Note that none of these needs a slot any more."""
        for key in self._slots.end_all(concerned):
            self._again(key)

    def knows(self, namespace: str) -> bool:
        """Return whether it was found out which leaders of a namespace are being updated."""
        return namespace in self._known

    def learned(self, namespace: str) -> None:
        """Note that it was."""
        self._known.add(namespace)
        self._wake_waiting()

    def leave(self, namespace: str) -> None:
        """Free the slots of a namespace that is not served."""
        self._known.discard(namespace)
        self.end_all(lambda key: key.namespace == namespace)

    def listed(self, namespace: str) -> None:
        """Note that a namespace was listed."""
        self._unlisted.discard(namespace)

    def not_listed(self, namespace: str) -> None:
        """Note that a namespace could not be listed."""
        if namespace not in self._unlisted:
            self._unlisted.add(namespace)
            self._wake_waiting()

    def _wake_waiting(self) -> None:
        for key in self._slots.waiting:
            self._again(key)
