"""Leases that lapse and are got again: it is told; and they are given back at the end."""

import asyncio

from symbol_operator.runtime.errors import ClusterError, UnavailableError
from symbol_operator.runtime.health import Watches
from symbol_operator.runtime.logs import concerning
from symbol_operator.runtime.memory import Key
from symbol_operator.runtime.metrics import Metrics
from symbol_operator.runtime.namespaces import NEEDED, Namespaces, look
from symbol_operator.runtime.workqueue import WorkQueue
from tradingsymbol_api.names import CLAIM_LEASE, ELECTION_LEASE
from tradingsymbol_api.reading import Document
from unit.operator.fake_leases import FakeLeases
from unit.operator.test_election import ELECTION_KEY, NAMES, Replica
from unit.runtime.virtual import run


class SlowLeases(FakeLeases):
    """Answers as late as it is told to; one for the election, one for claims."""

    def __init__(self) -> None:
        super().__init__()
        self.late: dict[str, float] = {}
        self.down: set[str] = set()

    async def write_lease(self, lease: Document, spec: Document) -> Document:
        name = lease["metadata"]["name"]
        await self._wait(name)
        return await super().write_lease(lease, spec)

    async def lease(self, namespace: str, name: str) -> Document | None:
        if name in self.down:
            await asyncio.sleep(60)
        return await super().lease(namespace, name)

    async def _wait(self, name: str) -> None:
        if name in self.down:
            await asyncio.sleep(60)
        await asyncio.sleep(self.late.get(name, 0))


async def lapse_of_the_election(leases: SlowLeases) -> None:
    """Two attempts hang (2 s), the next one is answered after 1.9 s: 8 s are over before it."""
    leases.down = {ELECTION_LEASE}
    await asyncio.sleep(7)
    leases.down = set()
    leases.late = {ELECTION_LEASE: 1.9}
    await asyncio.sleep(6)
    leases.late = {}


def test_a_lapse_that_ends_within_an_attempt_is_told() -> None:
    async def played() -> None:
        leases = SlowLeases()
        replica = Replica(leases, "first")
        replica.start()
        await asyncio.sleep(60.5)
        assert replica.over == set(NAMES)
        task = asyncio.create_task(lapse_of_the_election(leases))
        lapsed = 0.0
        while not task.done():
            lapsed += 0 if replica.over else 0.1
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        assert replica.over == set(NAMES)
        assert lapsed > 1, "it has not acted meanwhile, and dropped what it was told"
        assert [acts for acts, _ in replica.said] == [True, False, True], replica.said
        replica.kill()

    run(played())


def test_what_was_dropped_in_a_short_lapse_is_found_again() -> None:
    """The whole way: a symbol is switched in the lapse, and no resync comes for five minutes."""

    async def played() -> None:
        leases = SlowLeases()
        replica = Replica(leases, "first")
        key, done, compared = Key(NAMES[0], "xrpusdt"), [], []
        namespaces = Namespaces(
            NAMES,
            Watches(NEEDED, NAMES),
            Metrics(),
            lambda name, served: compared.append(name) if served else None,
        )
        replica.authority._acting = namespaces.acting
        replica.authority._claimed = namespaces.claimed
        for name in NAMES:
            for kind in NEEDED:
                namespaces.stood(kind, name)

        async def reconcile(key: Key, urgent: bool) -> float | None:
            if not replica.authority.over(key.namespace):  # as Reconciler.reconcile does
                return None
            done.append(key)
            return None

        async def process(key: Key, urgent: bool) -> float | None:
            return await look(reconcile, namespaces, key, urgent)

        queue = WorkQueue(
            process,
            expected=ClusterError,
            concerning=lambda key: concerning(*key),
            metrics=Metrics().queue,
        )
        worker = asyncio.create_task(queue.work())
        replica.start()
        await asyncio.sleep(60.5)
        compared.clear()
        task = asyncio.create_task(lapse_of_the_election(leases))
        while replica.over:  # noqa: ASYNC110 - no event tells that a time is over
            await asyncio.sleep(0.05)
        queue.add(key)  # somebody switches it off
        await task
        await asyncio.sleep(30)
        assert replica.over == set(NAMES)
        assert done or key.namespace in compared, "dropped, and nobody looks again"
        worker.cancel()
        replica.kill()

    run(played())


def test_a_claim_is_tried_again_soon_after_a_failure() -> None:
    """Else two that hang (2 s) would make it lapse."""

    async def played() -> None:
        leases = SlowLeases()
        replica = Replica(leases, "first")
        told: list[bool] = []
        replica.authority._claimed = lambda namespace, ours, why: told.append(ours)
        replica.start()
        await asyncio.sleep(60.5)
        told.clear()
        lapsed = 0.0
        for tenth in range(600):
            # Renewals are due at 75 and, 15 s after the end of that attempt, at 93.
            at = 60.5 + tenth / 10
            leases.down = {CLAIM_LEASE} if 74 < at < 79 or 92 < at < 97 else set()
            lapsed += 0 if replica.over == set(NAMES) else 0.1
            await asyncio.sleep(0.1)
        assert lapsed < 1 or False in told, f"{lapsed:.1f} s without a claim, and nobody was told"
        assert lapsed < 1, f"{lapsed:.1f} s without a claim"
        replica.kill()

    run(played())


def test_it_is_given_back_after_a_renewal_that_failed() -> None:
    """It is held for 8 s more; at the end of the process others need not wait for 14 s."""

    async def played() -> None:
        leases = FakeLeases()
        replica = Replica(leases, "first")
        replica.start()
        await asyncio.sleep(10.5)
        leases.failure = UnavailableError("503")
        await asyncio.sleep(2)
        leases.failure = None
        replica.kill()
        assert replica.authority.acts
        await replica.authority.resign()
        assert "holderIdentity" not in leases.held[ELECTION_KEY]["spec"]

    run(played())


def test_it_is_given_back_though_a_renewal_was_under_way_at_the_end() -> None:
    """The renewal was carried out; its answer was cut off by the cancellation of its task."""

    class Cut(FakeLeases):
        def __init__(self) -> None:
            super().__init__()
            self.written = asyncio.Event()

        async def write_lease(self, lease: Document, spec: Document) -> Document:
            written = await super().write_lease(lease, spec)
            self.written.set()
            if spec.get("holderIdentity"):
                await asyncio.sleep(0.5)
            return written

    async def played() -> None:
        leases = Cut()
        replica = Replica(leases, "first")
        replica.start()
        await asyncio.sleep(10.1)
        leases.written.clear()
        await leases.written.wait()
        replica.kill()
        await asyncio.sleep(0)
        await replica.authority.resign()
        assert "holderIdentity" not in leases.held[ELECTION_KEY]["spec"]

    run(played())


def test_an_answer_without_metadata_ends_no_operator() -> None:
    class Odd(FakeLeases):
        async def create_lease(self, namespace: str, name: str, spec: Document) -> Document:
            await super().create_lease(namespace, name, spec)
            return {}

    async def played() -> None:
        replica = Replica(Odd(), "first")
        replica.start()
        await asyncio.sleep(60)
        ended = [task for task in replica._tasks if task.done()]
        replica.kill()
        assert not ended, ended[0].exception()

    run(played())
