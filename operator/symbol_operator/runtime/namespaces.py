"""Which namespaces are served: each on its own, and what it takes for one to be.

A namespace is served while this operator acts, its installation has claimed the namespace, the
watches stand and the last comparison succeeded. Each change is one line of the log.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from symbol_operator.runtime.errors import ClusterError, RefusedError
from symbol_operator.runtime.health import NOT_BEGUN, Watches
from symbol_operator.runtime.logs import concerning
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.metrics import Metrics
from tradingsymbol_api.names import PLURAL

logger = logging.getLogger(__name__)

PODS: Final = "pods"
COMPARISON: Final = "comparison"
"""Of all symbols and leader pods with what they should be; stands beside the watches."""
NEEDED: Final = (PLURAL, PODS, COMPARISON)


class Namespaces:
    """Keeps account of what each namespace's service depends on. No I/O, no clock."""

    def __init__(
        self,
        names: Iterable[str],
        watches: Watches,
        metrics: Metrics,
        changed: Callable[[str, bool], None],
    ) -> None:
        """Begin with none served.

        `changed` is called with a namespace, and whether it is served from now on; also when this
        operator ceases to act.
        """
        self._watches = watches
        self._metrics = metrics
        self._changed = changed
        self._names = tuple(names)
        self._acts = False
        self._unclaimed = dict.fromkeys(self._names, NOT_BEGUN)
        self._served: set[str] = set()
        self._said: dict[str, str] = {}

    def served(self, namespace: str) -> bool:
        """Return whether nothing that its service depends on is missing."""
        return namespace in self._served

    def acting(self, acts: bool, why: str) -> None:
        """Note whether this operator acts from now on, and why not."""
        self._acts = acts
        self._metrics.acting.set(acts)
        if acts:
            logger.info("This operator acts from now on")
        else:
            logger.warning("This operator stands by: %s", why)
        for name in self._names:
            if acts:
                self._judge(name)
            else:
                self._stand_by(name)

    def claimed(self, namespace: str, ours: bool, why: str) -> None:
        """Note whether a namespace is our installation's to serve, and why not."""
        if ours:
            self._unclaimed.pop(namespace, None)
        else:
            # One whose watches do not stand either has one cause, and that is told already.
            self._unclaimed[namespace] = NOT_BEGUN if self._fallen(namespace) else why
        self._judge(namespace)

    def stood(self, kind: str, namespace: str) -> None:
        """Note that this watch stands, or that the comparison succeeded."""
        self._watches.stood(kind, namespace)
        self._judge(namespace)

    def fell(self, kind: str, namespace: str, why: str) -> None:
        """Note that this watch does not stand, or that the comparison failed, and `why`."""
        self._watches.fell(kind, namespace, why)
        self._judge(namespace)

    def _judge(self, namespace: str) -> None:
        if not self._acts:
            return
        missing = self._fallen(namespace)
        if namespace in self._unclaimed:
            missing.append(self._unclaimed[namespace])
        if missing:
            self._not_served(namespace, [why for why in missing if why != NOT_BEGUN])
        elif not self.served(namespace):
            logger.info("Namespace %s is served", namespace, extra={"namespace": namespace})
            self._said.pop(namespace, None)
            self._served.add(namespace)
            self._metrics.served(namespace)
            self._changed(namespace, True)

    def _fallen(self, namespace: str) -> list[str]:
        return [watch.why for watch in self._watches.fallen if watch.namespace == namespace]

    def _stand_by(self, namespace: str) -> None:
        # What is counted there is the other one's to tell; and so is whose namespace it is.
        self._metrics.left(namespace)
        self._unclaimed[namespace] = NOT_BEGUN
        self._served.discard(namespace)
        self._changed(namespace, False)

    def _not_served(self, namespace: str, reasons: list[str]) -> None:
        # One cause shows itself in several ways, one after the other: it is told once.
        if reasons and self._said.get(namespace) not in reasons:
            self._said[namespace] = reasons[0]
            extra = {"namespace": namespace}
            logger.warning("Namespace %s is not served: %s", namespace, reasons[0], extra=extra)
        self._metrics.not_served(namespace)
        if self.served(namespace):
            self._served.remove(namespace)
            self._changed(namespace, False)


async def look(
    reconcile: Callable[[Key, bool], Awaitable[float | None]],
    namespaces: Namespaces,
    key: Key,
    urgent: bool,
) -> float | None:
    """Reconcile one symbol; returns the seconds to the next look if no event tells.

    What fails in a namespace that is not served is not tried again: once it is served again, all
    of it is compared, and whatever needs a look is found then.

    Raises:
        ClusterError: it failed, and its namespace is served.

    """
    try:
        return await reconcile(key, urgent)
    except ClusterError as exc:
        if namespaces.served(key.namespace):
            raise
        logger.debug("left until its namespace is served again: %s", exc)
        return None


async def compare_one(
    namespace: str,
    survey: Callable[[], Awaitable[set[Key]]],
    ending: Callable[[], Awaitable[bool]],
    namespaces: Namespaces,
    add: Callable[[Key], None],
) -> None:
    """Compare a namespace with what it should be, and `add` what needs a look.

    `ending` tells whether the namespace is being deleted or gone.

    Raises:
        ClusterError: the API server could not be asked.

    """
    try:
        found = await survey()
    except Exception as exc:
        namespaces.fell(COMPARISON, namespace, await _why(exc, ending))
        raise
    namespaces.stood(COMPARISON, namespace)
    for key in found:
        with concerning(*key):
            logger.debug("needs a look that no event has brought yet")
        add(key)


async def _why(exc: Exception, ending: Callable[[], Awaitable[bool]]) -> str:
    """Return why a comparison failed. Who may not look into a namespace is not told if it is."""
    try:
        if isinstance(exc, RefusedError) and await ending():
            return "it does not exist, or is being deleted"
    except ClusterError:
        pass
    return str(exc) if isinstance(exc, ClusterError) else repr(exc)
