"""Of several operators one acts, in the namespaces that are its installation's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from symbol_operator.decide.lease import Candidacy
from symbol_operator.runtime.election import (
    CLAIM,
    ELECTION,
    REQUEST_SECONDS,
    Authority,
    NotActingError,
    Tenancy,
)
from symbol_operator.runtime.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from tradingsymbol_api.names import CLAIM_LEASE, ELECTION_LEASE
from unit.operator.fake_leases import FakeLeases
from unit.operator.objects import NOW
from unit.runtime.virtual import run

NAMES = ("island", "mainland")
ELECTION_KEY = ("trading-system", ELECTION_LEASE)
REPLACED_WITHIN_S = 15


def now() -> float:
    return asyncio.get_running_loop().time()


class Replica:
    """One operator's part in it, and what it was told."""

    def __init__(self, leases: FakeLeases, pod: str, system: str = "trading-system") -> None:
        def tenancy(namespace: str, name: str, holder: str, timing: Any) -> Tenancy:
            candidacy = Candidacy(holder, timing, monotonic=now, clock=self._clock)
            return Tenancy(leases, namespace, name, candidacy, now)

        self.said: list[tuple[bool, str]] = []
        self.claimed: dict[str, tuple[bool, str]] = {}
        self.refused = ""
        claims = {n: tenancy(n, CLAIM_LEASE, f"{system}/symbol-operator", CLAIM) for n in NAMES}
        self.authority = Authority(
            tenancy(system, ELECTION_LEASE, pod, ELECTION),
            claims,
            acting=lambda acts, why: self.said.append((acts, why)),
            claimed=lambda namespace, ours, why: self.claimed.update({namespace: (ours, why)}),
            refused=self._refuse,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def _clock(self) -> Any:
        return NOW.replace(microsecond=round(now() * 1000) % 1_000_000)

    def _refuse(self, why: str) -> None:
        self.refused = why

    def start(self) -> None:
        keeping = [self.authority.keep_elected(), *map(self.authority.keep_claimed, NAMES)]
        self._tasks = [asyncio.create_task(each) for each in keeping]

    def kill(self) -> None:
        for task in self._tasks:
            task.cancel()

    @property
    def over(self) -> set[str]:
        """The namespaces in which it may act."""
        return {name for name in NAMES if self.authority.over(name)}


Scene = Callable[[FakeLeases, Replica, Replica], Awaitable[None]]


def play(scene: Scene, other: str = "trading-system") -> None:
    """Have two replicas, the first of which has begun to act."""

    async def played() -> None:
        leases = FakeLeases()
        first, second = Replica(leases, "first"), Replica(leases, "second", other)
        first.start()
        await asyncio.sleep(0.1)
        second.start()
        await asyncio.sleep(0.1)
        await scene(leases, first, second)
        first.kill()
        second.kill()

    run(played())


def test_one_acts_and_the_other_stands_by() -> None:
    async def scene(_: FakeLeases, first: Replica, second: Replica) -> None:
        await asyncio.sleep(600)
        assert first.over == set(NAMES)
        assert first.said == [(True, "")]
        assert second.over == set()
        assert second.said == [(False, "first acts")]
        assert second.claimed == {}
        with pytest.raises(NotActingError):
            second.authority.require("island")

    play(scene)


def test_one_that_is_lost_is_followed_within_its_time() -> None:
    async def scene(_: FakeLeases, first: Replica, second: Replica) -> None:
        await asyncio.sleep(59.9)
        first.kill()
        since = now()
        while second.over != set(NAMES):
            assert now() - since < REPLACED_WITHIN_S
            assert not (first.over and second.authority.acts)
            await asyncio.sleep(0.1)
        assert second.said[-1] == (True, "")

    play(scene)


def test_one_that_ends_is_followed_at_the_next_look() -> None:
    async def scene(_: FakeLeases, first: Replica, second: Replica) -> None:
        first.kill()
        await first.authority.resign()
        assert not first.over
        await asyncio.sleep(ELECTION.retry)
        assert second.over == set(NAMES)

    play(scene)


def test_a_restarted_container_takes_its_lease_back_at_once() -> None:
    async def scene(leases: FakeLeases, first: Replica, second: Replica) -> None:
        second.kill()
        first.kill()
        again = Replica(leases, "first")
        again.start()
        await asyncio.sleep(0.1)
        assert again.over == set(NAMES)
        again.kill()

    play(scene)


def test_without_an_answer_it_ceases_before_another_one_may_begin() -> None:
    async def scene(leases: FakeLeases, first: Replica, _: Replica) -> None:
        leases.failure = UnavailableError("away")
        await asyncio.sleep(ELECTION.deadline - ELECTION.renewal)
        assert first.over == set(NAMES)
        await asyncio.sleep(ELECTION.renewal)
        assert not first.over
        await asyncio.sleep(ELECTION.renewal)
        assert first.said == [(True, ""), (False, "away")]
        leases.failure = None
        await asyncio.sleep(ELECTION.retry + 0.1)
        assert first.over == set(NAMES), "and begins again at once, in each namespace"

    play(scene)


def test_a_request_that_hangs_ends_in_time() -> None:
    async def hang(*_: Any) -> Any:
        await asyncio.Event().wait()

    async def scene(leases: FakeLeases, first: Replica, _: Replica) -> None:
        leases.lease = leases.write_lease = hang  # type: ignore[assignment, method-assign]  # replaced for the test
        await asyncio.sleep(ELECTION.deadline + ELECTION.renewal + REQUEST_SECONDS)
        assert first.said[-1] == (False, f"Lease {ELECTION_LEASE}: no answer in time")

    play(scene)


def test_a_namespace_that_another_installation_claims_is_left_alone_until_the_claim_lapses() -> (
    None
):
    async def scene(_: FakeLeases, first: Replica, second: Replica) -> None:
        await asyncio.sleep(1)
        assert second.authority.acts, "each installation has its own election"
        assert second.over == set()
        assert second.claimed["island"] == (False, "trading-system/symbol-operator has claimed it")
        first.kill()
        await first.authority.resign()
        await asyncio.sleep(CLAIM.duration - CLAIM.renewal)
        assert second.over == set(), "a claim outlives a restart"
        await asyncio.sleep(CLAIM.renewal + CLAIM.retry)
        assert second.over == set(NAMES)

    play(scene, other="other-system")


def test_a_claim_that_another_one_took_is_given_up() -> None:
    async def scene(leases: FakeLeases, first: Replica, _: Replica) -> None:
        leases.put("island", CLAIM_LEASE, {"holderIdentity": "other/symbol-operator"})
        await asyncio.sleep(CLAIM.renewal + CLAIM.retry)
        assert first.over == {"mainland"}
        assert first.claimed["island"] == (False, "other/symbol-operator has claimed it")

    play(scene)


@pytest.mark.parametrize("error", [ConflictError("modified"), NotFoundError("gone")])
def test_what_somebody_else_changed_is_read_anew(error: Exception) -> None:
    """Somebody annotates the Lease, or deletes it."""

    async def scene(leases: FakeLeases, first: Replica, _: Replica) -> None:
        if isinstance(error, NotFoundError):
            leases.held.pop(ELECTION_KEY)
        else:
            leases.put(*ELECTION_KEY, leases.held[ELECTION_KEY]["spec"])
        for _second in range(10):
            await asyncio.sleep(1)
            assert first.over == set(NAMES)
        assert first.said == [(True, "")]

    play(scene)


def test_of_two_that_find_it_free_one_gets_it() -> None:
    async def scene(leases: FakeLeases, first: Replica, second: Replica) -> None:
        for replica in (first, second):
            replica.kill()
        leases.held.clear()
        spec = {"holderIdentity": "third", "renewTime": "1"}
        namespace, name = ELECTION_KEY
        metadata = {"namespace": namespace, "name": name, "resourceVersion": "1"}
        leases.quicker = {ELECTION_KEY: {"metadata": metadata, "spec": spec}}
        late = Replica(leases, "late")
        late.start()
        await asyncio.sleep(ELECTION.retry + 0.1)
        assert late.said[-1] == (False, "third acts")
        late.kill()

    play(scene)


def test_rights_that_are_missing_are_told_as_long_as_they_are() -> None:
    async def scene(leases: FakeLeases, _: Replica, second: Replica) -> None:
        leases.failure = RefusedError("leases is forbidden")
        await asyncio.sleep(ELECTION.retry)
        assert second.refused == "leases is forbidden"
        leases.failure = None
        await asyncio.sleep(ELECTION.retry)
        assert second.refused == ""

    play(scene)


def test_what_cannot_be_given_back_ends_no_operator() -> None:
    async def scene(leases: FakeLeases, first: Replica, second: Replica) -> None:
        leases.failure = UnavailableError("away")
        await first.authority.resign()
        assert not first.over
        leases.asked.clear()
        await second.authority.resign()
        assert leases.asked == [], "it has nothing to give back"

    play(scene)


def test_acting_costs_one_request_for_each_renewal() -> None:
    async def scene(leases: FakeLeases, _: Replica, second: Replica) -> None:
        second.kill()
        await asyncio.sleep(0)
        leases.asked.clear()
        await asyncio.sleep(60)
        assert set(leases.asked) == {"write"}
        assert len(leases.asked) == 60 / ELECTION.renewal + len(NAMES) * 60 / CLAIM.renewal

    play(scene)
