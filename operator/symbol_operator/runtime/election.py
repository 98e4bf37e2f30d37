"""Holding Leases: which replica acts, and which namespaces are its installation's.

kubernetes.aio has an election, too. It ends where a request fails without an answer and once its
Lease is lost, tells time by the wall clock, and loads every model of the package, which takes
longer than all the rest of a start.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final, Protocol

from symbol_operator.decide.lease import Candidacy, LeaseTiming
from symbol_operator.runtime.errors import (
    ClusterError,
    ConflictError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from tradingsymbol_api.reading import Document, shown, text

logger = logging.getLogger(__name__)

ELECTION: Final = LeaseTiming(duration=12, deadline=8, renewal=2, retry=1)
"""Another replica takes over about 13 s after one that is lost without notice."""
CLAIM: Final = LeaseTiming(duration=60, deadline=45, renewal=15, retry=5)
"""That two installations serve one namespace needs no haste, and a restart keeps its claims."""
REQUEST_SECONDS: Final = 2.0
"""Longest time for an attempt: there is time for another one before the deadline."""
RELEASE_SECONDS: Final = 2.0
"""Longest time in which a Lease is given back at the end."""


class LeasePort(Protocol):
    """What holding Leases needs of a cluster; `cluster.Cluster` says what each does."""

    async def lease(self, namespace: str, name: str) -> Document | None: ...
    async def create_lease(self, namespace: str, name: str, spec: Document) -> Document: ...
    async def write_lease(self, lease: Document, spec: Document) -> Document: ...


class Tenancy:
    """One Lease, taken when it is free and renewed from then on."""

    def __init__(
        self,
        cluster: LeasePort,
        namespace: str,
        name: str,
        candidacy: Candidacy,
        monotonic: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._candidacy = candidacy
        self._monotonic = monotonic
        self._lease: Document | None = None
        self._failed = False

    @property
    def held(self) -> bool:
        """Whether it is ours now."""
        return self._candidacy.held

    @property
    def tenure(self) -> int:
        """Which time it is that it is ours."""
        return self._candidacy.tenure

    @property
    def holder(self) -> str:
        """Who held it when it was seen last."""
        return self._candidacy.holder_seen or "nobody"

    @property
    def wait(self) -> float:
        """Seconds to the next attempt."""
        timing = self._candidacy.timing
        return timing.renewal if self.held and not self._failed else timing.retry

    async def attempt(self) -> None:
        """Renew it, or take it if it is free.

        Raises:
            ClusterError: the API server could not be asked, or does not allow it.

        """
        self._failed = True
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                try:
                    await self._attempt()
                except (ConflictError, NotFoundError):
                    # Somebody changed it, or deleted it.
                    await self._attempt()
        except TimeoutError as exc:
            raise UnavailableError(f"Lease {self._name}: no answer in time") from exc
        self._failed = False

    async def _attempt(self) -> None:
        since = self._monotonic()
        # Unless this one is answered, the next attempt reads what it is by then.
        known, self._lease = self._lease, None
        lease = known or await self._read()
        spec = self._candidacy.wanted(lease)
        if spec is None:
            self._candidacy.lost()
            return
        if lease is None:
            made = await self._cluster.create_lease(self._namespace, self._name, spec)
        else:
            made = await self._cluster.write_lease(lease, spec)
        self._lease = made if _is_lease(made) else None
        self._candidacy.written(since)

    async def _read(self) -> Document | None:
        lease = await self._cluster.lease(self._namespace, self._name)
        if lease is not None and not _is_lease(lease):
            raise UnavailableError(f"the answer is no Lease but {shown(lease)}")
        return lease

    async def release(self) -> None:
        """Give it back, so that the next holder need not wait. What fails then is left."""
        if not self.held:
            return
        self._candidacy.lost()
        with contextlib.suppress(ClusterError, TimeoutError):
            async with asyncio.timeout(RELEASE_SECONDS):
                try:
                    await self._give_back(self._lease)
                except ConflictError:
                    # A renewal was under way whose answer nobody heard.
                    await self._give_back(None)

    async def _give_back(self, lease: Document | None) -> None:
        lease = lease or await self._read()
        if lease and text(lease, "spec", "holderIdentity") == self._candidacy.holder:
            await self._cluster.write_lease(lease, {"holderIdentity": None})


def _is_lease(lease: Document) -> bool:
    """Return whether an answer is what can be written back."""
    return all(text(lease, "metadata", name) for name in ("namespace", "name", "resourceVersion"))


class Authority:
    """Whether this process may act, and where.

    It acts while it holds its installation's election, in each namespace that its installation has
    claimed. What it sent before a Lease was lost may still be carried out: each write says what
    it expects to find.
    """

    def __init__(
        self,
        election: Tenancy,
        claims: dict[str, Tenancy],
        *,
        acting: Callable[[bool, str], None],
        claimed: Callable[[str, bool, str], None],
        refused: Callable[[str], None],
    ) -> None:
        """Begin without any.

        `acting` is called when this process begins or ceases to act, and why not; `claimed` after
        each attempt to claim a namespace: whether it is ours, and why not. `refused` is called
        after each attempt to be elected: why the API server does not allow it, empty if it does.
        """
        self._refused = refused
        self._election = election
        self._claims = claims
        self._acting = acting
        self._claimed = claimed
        self._elected = asyncio.Event()
        self._deposed = asyncio.Event()
        self._tenure = 0
        self._said: set[str] = set()

    @property
    def acts(self) -> bool:
        """Whether this process is the one that acts."""
        return self._election.held

    def over(self, namespace: str) -> bool:
        """Return whether this process may act in a namespace now."""
        return self._election.held and self._claims[namespace].held

    def require(self, namespace: str) -> None:
        """Let nothing be written where this process may not act.

        Raises:
            NotActingError: it may not.

        """
        if not self.over(namespace):
            raise NotActingError(f"this operator may not act in namespace {namespace} now")

    async def keep_elected(self) -> None:
        """Hold the election whenever it is to be had. Never returns."""
        while True:
            error = await _failure(self._election)
            self._refused(str(error) if isinstance(error, RefusedError) else "")
            self._judge(str(error) if error else f"{self._election.holder} acts")
            await asyncio.sleep(self._election.wait)

    def _judge(self, why: str) -> None:
        held, tenure = self._election.held, self._election.tenure
        if self._elected.is_set() and (not held or tenure != self._tenure):
            # Also where it has it again: what came meanwhile was left to another one.
            self._depose(why if not held else "its Lease had lapsed")
        if held and not self._elected.is_set():
            self._tenure = tenure
            self._said.clear()
            self._elected.set()
            self._deposed.clear()
            self._acting(True, "")
        elif not held and why not in self._said:
            self._depose(why)

    def _depose(self, why: str) -> None:
        self._said.add(why)
        self._elected.clear()
        self._deposed.set()
        self._acting(False, why)

    async def keep_claimed(self, namespace: str) -> None:
        """Hold the claim to a namespace while elected. Never returns."""
        claim, told = self._claims[namespace], 0
        while True:
            await self._elected.wait()
            error = await _failure(claim)
            why = str(error) if error else f"{claim.holder} has claimed it"
            if self._elected.is_set():
                if claim.held and told and claim.tenure != told:
                    self._claimed(namespace, False, "its claim had lapsed")
                self._claimed(namespace, claim.held, why)
                told = claim.tenure if claim.held else 0
            # After the next election it is to be told at once whose the namespace is.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._deposed.wait(), claim.wait)

    async def resign(self) -> None:
        """Let another replica act at once. The claims stay: they are the installation's."""
        await self._election.release()


class NotActingError(ClusterError):
    """Another process acts, or might by now."""


async def _failure(tenancy: Tenancy) -> ClusterError | None:
    """Attempt to hold a Lease; returns what went wrong."""
    try:
        await tenancy.attempt()
    except ClusterError as exc:
        return exc
    return None
