"""The operator with many symbols, next to the API server alone.

The pods live on a node that does not exist: kwok plays its kubelet. No leader runs in them, so
symbols are switched on and off only.
"""

import asyncio
import os
import random
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from bench.api import Api, connect, for_all
from bench.fake_node import SELECTOR, fake_node
from bench.requests import counted_apart, numbers, per_symbol, told
from bench.rounds import Flip, Floor, Rounds, Row
from kind.kubectl import STATE, Kubectl, condition, eventually, manifest
from kind.operating import OperatorProcess, prepare_namespace
from kind.proxy import Proxy
from tradingsymbol_api.names import API_VERSION, ELECTION_LEASE, PLURAL

IMAGE = "leader:none"
ALONE = 10
SETTLE_S = 300.0
SETTLE_EACH_S = 0.3
"""More of it for each symbol: of thousands the API server takes minutes to write the statuses."""
POLL_S = 0.25
READY = 200
ACTS = "This operator acts from now on"
SPARE_S = 0.002
"""Time between two lists, for each symbol."""
WATCHED_S = 60.0
"""How long the operator is left alone before it counts as idle."""
ON, OFF, AGAIN = "off to on, to the last pod", "on to off, until the last is gone", "on again"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") / 1024


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    symbols: int
    rounds: int
    idle_s: float
    soak_minutes: int


class Place:
    """A namespace with symbols."""

    def __init__(self, api: Api, namespace: str, count: int) -> None:
        self._api = api
        self.names = [f"s{number:05}" for number in range(count)]
        self._document = yaml.safe_load(manifest("any"))
        self._document["spec"]["status"] = "off"
        self._symbols = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"

    async def create_symbols(self) -> None:
        """Create all symbols, off."""
        await for_all(self.names, self._create_symbol)

    async def _create_symbol(self, name: str) -> None:
        await self._api.create(self._symbols, {**self._document, "metadata": {"name": name}})

    async def create_pods(self, template: dict[str, Any]) -> None:
        """Create a pod like `template` for each symbol."""
        spec = {k: v for k, v in template["spec"].items() if k != "nodeName"}
        kept = {k: v for k, v in template["metadata"].items() if k in {"labels", "annotations"}}

        async def create(name: str) -> None:
            pod = {"metadata": {**kept, "name": _pod(name)}, "spec": spec}
            await self._api.create(self._pods, pod)

        await for_all(self.names, create)

    async def switch(self, status: str, names: Collection[str]) -> None:
        """Ask the same for many symbols."""
        body = {"spec": {"status": status}}
        await for_all(names, lambda name: self._api.merge(f"{self._symbols}/{name}", body))

    async def pod(self, name: str) -> dict[str, Any]:
        """Return the leader pod of a symbol that has one."""
        (found,) = [p for p in await self.pods() if p["metadata"]["name"] == _pod(name)]
        return found

    async def pods(self) -> list[dict[str, Any]]:
        """List the pods."""
        return await self._api.list(self._pods)

    async def delete_pods(self) -> None:
        """Delete the pod of each symbol."""
        await for_all(self.names, lambda name: self._api.delete(f"{self._pods}/{_pod(name)}"))

    async def until_pods(
        self, enough: Callable[[set[str]], bool], counts: Callable[[Any], bool] = lambda _: True
    ) -> None:
        """Wait until the names of the pods that count are `enough`."""
        async for present in self._api.names(self._pods, counts):
            if enough(present):
                return

    async def until_settled(self) -> None:
        """Wait until every symbol is as it was asked to be, and says so."""
        deadline = time.monotonic() + SETTLE_S + SETTLE_EACH_S * len(self.names)
        while not all(map(_settled, await self._api.list(self._symbols))):
            assert time.monotonic() < deadline, "the symbols do not settle"
            # A list of them all is work for the API server, and what is measured waits for it.
            await asyncio.sleep(POLL_S + len(self.names) * SPARE_S)


def _floor(run: str, attempt: int) -> str:
    return f"{run}-floor-{attempt}"


def _bound(pod: Any) -> bool:
    return "nodeName" in pod["spec"]


def _runs(pod: Any) -> bool:
    return bool(pod["status"].get("phase") == "Running")


def _pod(symbol: str) -> str:
    return f"{symbol}-leader"


def _settled(symbol: dict[str, Any]) -> bool:
    found = condition(symbol, "Ready")
    said = (found.get("observedGeneration"), found.get("status"))
    asked = symbol["spec"]["status"] == symbol.get("status", {}).get("requested")
    return asked and said == (symbol["metadata"]["generation"], "True")


class Bench:
    """An operator, its symbols on a node that does not exist, and what was measured of them."""

    def __init__(self, api: Api, run: str, count: int, operator: OperatorProcess) -> None:
        self._api = api
        self._run = run
        self._count = count
        self._operator = operator
        self.place = Place(api, run, count)

    async def prepare(self) -> None:
        """Create the symbols and get the operator used to them."""
        self._operator.start(selector=SELECTOR)
        await self.place.create_symbols()
        await self.place.until_settled()

    async def alone(self) -> list[float]:
        """Switch one symbol on at a time; seconds from the write to the pod."""
        found = []
        for name in self.place.names[:ALONE]:
            watching = asyncio.create_task(self.place.until_pods(lambda p, n=name: _pod(n) in p))  # type: ignore[misc]  # the default binds this round's value
            await asyncio.sleep(POLL_S)
            before = time.monotonic()
            await self.place.switch("on", [name])
            await watching
            found.append(time.monotonic() - before)
            await self.place.until_settled()
        return found

    async def floor(self, attempt: int) -> Floor:
        """Create as many symbols and pods where no operator sees them, and delete the pods."""
        namespace = _floor(self._run, attempt)
        prepare_namespace(namespace)
        place = Place(self._api, namespace, self._count)
        template = await self.place.pod(self.place.names[0])
        pods = set(map(_pod, place.names))
        before = time.monotonic()
        bound = asyncio.create_task(place.until_pods(lambda p: p == pods, _bound))
        await place.create_symbols()
        await place.create_pods(template)
        await bound
        created_s = time.monotonic() - before
        await place.until_pods(lambda p: p == pods, _runs)
        before = time.monotonic()
        gone = asyncio.create_task(place.until_pods(lambda p: not p))
        await place.delete_pods()
        await gone
        return Floor(created_s, time.monotonic() - before)

    async def flip(self, status: str) -> Flip:
        """Switch all to `status`, which is not what they are."""
        names = self.place.names
        pods = set(map(_pod, names)) if status == "on" else set[str]()
        requests, used = numbers(await self._api.metrics()), cpu_s(self._operator.pid)
        before = time.monotonic()
        watching = asyncio.create_task(self.place.until_pods(lambda p: p == pods))
        await self.place.switch(status, names)
        await watching
        seconds = time.monotonic() - before
        await self.place.until_settled()
        used = cpu_s(self._operator.pid) - used
        asked = per_symbol(requests, numbers(await self._api.metrics()), self._count)
        return Flip(seconds, used / self._count, asked)

    async def all_off(self) -> None:
        """Have all off before what is measured next."""
        await self._all("off")

    async def killed(self) -> float:
        """Kill the operator amid flips both ways; seconds from its start to what was asked."""
        pods = await self._killed_amid_flips()
        self._operator.start(selector=SELECTOR)
        seconds = await self._until_exact(pods)
        await self.place.until_settled()
        return seconds

    async def followed(self, second: OperatorProcess) -> float:
        """Kill it where another replica follows; seconds from its Lease to what was asked."""
        second.start(selector=SELECTOR)
        await asyncio.to_thread(eventually, lambda: second.endpoint("/readyz")[0] == READY)
        pods = await self._killed_amid_flips()
        await asyncio.to_thread(eventually, lambda: ACTS in second.log)
        await self._until_exact(pods)
        seconds = time.time() - _acquired(Kubectl(self._run))
        await self.place.until_settled()
        second.end()
        self._operator.start(selector=SELECTOR)
        return seconds

    async def _killed_amid_flips(self) -> set[str]:
        """Kill it amid flips both ways; returns the pods that were asked for."""
        await self._all("off")
        half = self._count // 2
        on, off = self.place.names[:half], self.place.names[half:]
        pods = set(map(_pod, on))
        await self.place.switch("on", off)
        await self.place.until_settled()
        watching = asyncio.create_task(self.place.until_pods(lambda p: len(p & pods) > half // 3))
        asking = asyncio.create_task(self.place.switch("on", on))
        await self.place.switch("off", off)
        await watching
        self._operator.end(signal.SIGKILL)
        await asking
        return pods

    async def _until_exact(self, pods: set[str]) -> float:
        before = time.monotonic()
        await self.place.until_pods(lambda p: p == pods)
        return time.monotonic() - before

    async def idle(self, proxy: Proxy, seconds: float) -> tuple[float, float, float]:
        """Leave all on and the operator alone; requests per minute, share of a core, MiB."""
        await self._all("on")
        self._operator.end()
        proxy.lead_here(self._operator.kubeconfig)
        self._operator.start(selector=SELECTOR)
        await asyncio.sleep(WATCHED_S)
        reads, used = proxy.reads + len(proxy.writes), cpu_s(self._operator.pid)
        await asyncio.sleep(seconds)
        requests = proxy.reads + len(proxy.writes) - reads
        share = (cpu_s(self._operator.pid) - used) / seconds
        return requests * 60 / seconds, share, resident_mib(self._operator.pid)

    async def soak(self, minutes: int) -> AsyncIterator[float]:
        """Change what is asked of random symbols all the time; yields MiB once a minute."""
        chance = random.Random(0)
        for _ in range(minutes):
            ends = time.monotonic() + 60
            while time.monotonic() < ends:
                names = chance.sample(self.place.names, min(50, self._count))
                await self.place.switch(chance.choice(("on", "off")), names)
                await self.place.until_settled()
            yield resident_mib(self._operator.pid)

    async def _all(self, status: str) -> None:
        await self.place.switch(status, self.place.names)
        await self.place.until_settled()
        pods = set(map(_pod, self.place.names)) if status == "on" else set[str]()
        await self.place.until_pods(lambda present: present == pods)


def _acquired(kubectl: Kubectl) -> float:
    """Return when the operator's Lease got its present holder, in seconds of the Unix time."""
    lease = kubectl.find("lease", ELECTION_LEASE) or {}
    return datetime.fromisoformat(lease["spec"]["acquireTime"]).timestamp()


def cpu_s(pid: int) -> float:
    """Read how many seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid: int) -> float:
    """Read how much memory a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB / 1024


@asynccontextmanager
async def prepared(run: str, size: Size) -> AsyncIterator[tuple[Bench, OperatorProcess, Proxy]]:
    """Make all that a measurement needs, and remove it."""
    async with AsyncExitStack() as ended:
        ended.callback(_delete_namespaces, run, size.rounds)
        prepare_namespace(run)
        folder = STATE / "bench" / run
        folder.mkdir(parents=True)
        proxy = Proxy()
        proxy.start()
        ended.callback(proxy.stop)
        operator = OperatorProcess(IMAGE, [run], folder, resync_s=None)
        second = OperatorProcess(IMAGE, [run], folder, resync_s=None, pod="second")
        for process in (operator, second):
            ended.callback(process.reap)
            ended.callback(process.kill)
        with fake_node(), counted_apart():
            async with connect() as api:
                bench = Bench(api, run, size.symbols, operator)
                await bench.prepare()
                yield bench, second, proxy
                operator.end()


def _delete_namespaces(run: str, rounds: int) -> None:
    """Delete them last: it is work for the API server, for minutes, and the rest would suffer."""
    made = (run, *(_floor(run, attempt) for attempt in range(rounds)))
    options = ("--ignore-not-found", "--wait=false")
    Kubectl("default").run("delete", "namespace", *made, *options)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def measure_flips(made: Bench, count: int) -> Rounds:
    """Measure the flips, with the floor before each round."""
    rounds = Rounds()
    steps = ((ON, "on"), (OFF, "off"), (AGAIN, "on"))
    for attempt in range(count):
        floor = await made.floor(attempt)
        rounds.floors.append(floor)
        _say(f"  directly: created in {floor.created_s:.1f} s, deleted in {floor.deleted_s:.1f} s")
        await made.all_off()
        for name, status in steps:
            flip = await made.flip(status)
            rounds.flips.setdefault(name, []).append(flip)
            _say(f"  {name}: {flip.seconds:.1f} s, requests {told(flip.requests)}")
    return rounds


async def measure(run: str, size: Size) -> list[Row]:
    """Measure all of it."""
    count, idle_s, soak_minutes = size.symbols, size.idle_s, size.soak_minutes
    _say(f"measuring the operator with {count} symbols ...")
    async with prepared(run, size) as (made, second, proxy):
        alone = await made.alone()
        rounds = await measure_flips(made, size.rounds)
        killed_s = await made.killed()
        followed_s = await made.followed(second)
        _say(f"  killed amid flips: {killed_s:.1f} s, another one: {followed_s:.1f} s")
        _say(f"  now idle for {idle_s:.0f} s")
        requests, share, mib = await made.idle(proxy, idle_s)
        soaked: list[float] = []
        async for memory in made.soak(soak_minutes):
            _say(f"  changing for {len(soaked) + 1} min: {memory:.0f} MiB")
            soaked.append(memory)
    rows = [
        (f"{count} symbols and pods created directly", f"{rounds.created_s:.1f} s", "the floor"),
        (f"{count} pods deleted directly", f"{rounds.deleted_s:.1f} s", "the floor"),
        *rounds.rows(ON, rounds.created_s, 2.4),
        *rounds.rows(OFF, rounds.deleted_s, 2.3),
        *rounds.rows(AGAIN, rounds.created_s, 2.4),
        ("one symbol alone, write to pod", f"{statistics.median(alone) * 1e3:.0f} ms", "50 ms"),
        (f"killed amid {count} flips, started to exact", f"{killed_s:.1f} s", "goal: 5 s"),
        ("  another replica, from its Lease to exact", f"{followed_s:.1f} s", "goal: 2 s"),
        (f"idle with {count}, requests a minute", f"{requests:.1f}", "goal: 2"),
        ("  share of a core", f"{share:.2%}", "goal: 0.5 %"),
        ("  resident", f"{mib:.0f} MiB", "goal: 120 MiB"),
    ]
    if soaked:
        change = f"{soaked[0]:.0f} to {soaked[-1]:.0f} MiB"
        rows.append((f"  after {soak_minutes} min of changes", change, "flat"))
    return rows
