"""Each watch goes on forever, on its own, whatever the API server answers.

kopf itself watches here: what it does about an answer is the question.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration
from prometheus_client import CollectorRegistry

from symbol_operator.runtime import session as session_module
from symbol_operator.runtime.handlers import Listener, make_registry, make_settings, relevant
from symbol_operator.runtime.memory import Memory
from symbol_operator.runtime.request_metrics import PREFIX, RequestMetrics
from symbol_operator.runtime.session import EndlessBackoffs, Session
from tradingsymbol_api.names import PLURAL
from unit.operator.fake_api import CUT, GARBLED, PAGE, FakeApi, Fault, status
from unit.operator.objects import resource

WITHIN_S = 20.0
ISLAND, OTHER = "island", "other"
OURS = (PLURAL, ISLAND)
VERSIONS = count(2)


class Account:
    """What is heard of the watches, and of what happens."""

    def __init__(self) -> None:
        self.standing: set[tuple[str, str]] = set()
        self.whys: dict[tuple[str, str], list[str]] = {}
        self.woken: asyncio.Queue[Any] = asyncio.Queue()
        self.listed: list[str] = []
        self.registry = CollectorRegistry()
        self._fell = asyncio.Event()

    def stood(self, kind: str, namespace: str) -> None:
        self.standing.add((kind, namespace))

    def fell(self, kind: str, namespace: str, why: str) -> None:
        self.standing.discard((kind, namespace))
        self.whys.setdefault((kind, namespace), []).append(why)
        self._fell.set()

    async def fallen(self, kind: str, namespace: str, times: int) -> None:
        """Wait until a watch has fallen so many times."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.whys.get((kind, namespace), ())) < times:
                self._fell.clear()
                await self._fell.wait()


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the waits."""
    monkeypatch.setattr(session_module, "BACKOFF_SECONDS", ())
    for name in ("BACKOFF_MAX_SECONDS", "LOGIN_SECONDS", "STREAM_ERROR_SECONDS"):
        monkeypatch.setattr(session_module, name, 0.001)


@asynccontextmanager
async def watching(
    api: FakeApi, account: Account, folder: Path
) -> AsyncIterator[asyncio.Task[Any]]:
    """Have kopf watch both namespaces. In the end it cancels all tasks that began after it."""
    kubeconfig = folder / "kubeconfig"
    session = Session(
        str(kubeconfig),
        account.stood,
        account.fell,
        account.listed.append,
        RequestMetrics(account.registry).measure,
    )
    listener = Listener(
        Memory(relevant),
        changed=account.woken.put_nowait,
        pod_changed=lambda _: None,
        gone=lambda _: None,
    )
    registry = make_registry(listener, session.open)
    settings = make_settings()
    settings.watching.reconnect_backoff = 0.001
    settings.process.ultimate_exiting_timeout = None
    async with api.serve() as address:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", str(write_kubeconfig(kubeconfig, address)))
            operator = kopf.operator(
                registry=registry, settings=settings, namespaces=[ISLAND, OTHER], standalone=True
            )
            task = asyncio.create_task(operator)
            yield task
            task.cancel()
            await asyncio.wait([task])


def write_kubeconfig(path: Path, address: str, token: str = "secret") -> Path:
    """Write a kubeconfig that leads to an address; returns its path."""
    document = {
        "current-context": "fake",
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "clusters": [{"name": "fake", "cluster": {"server": address}}],
        "users": [{"name": "fake", "user": {"token": token}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


async def hears(api: FakeApi, account: Account, namespace: str, uid: str = "r1") -> None:
    """Wait until what happens in a namespace is heard of."""
    document = resource(uid=uid)
    document["metadata"] |= {"namespace": namespace, "resourceVersion": str(next(VERSIONS))}
    api.happens(PLURAL, namespace, "ADDED", document)
    async with asyncio.timeout(WITHIN_S):
        while (await account.woken.get()).namespace != namespace:
            pass


@pytest.mark.parametrize(
    "fault",
    [
        *(400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 504),
        *(CUT, PAGE, GARBLED),
        *(status(410), status(429), status(500), {}),
    ],
    ids=str,
)
async def test_a_watch_goes_on_after_any_answer(
    api: FakeApi, account: Account, tmp_path: Path, fault: Fault
) -> None:
    api.faults[OURS] = [fault] * 12

    async with watching(api, account, tmp_path) as task:
        await hears(api, account, ISLAND)
        await hears(api, account, OTHER)
        assert not task.done()

    assert not api.faults[OURS]
    assert OURS in account.standing


async def test_a_list_with_which_a_watch_begins_anew_is_heard_of_though_nothing_is_in_it(
    api: FakeApi, account: Account, tmp_path: Path
) -> None:
    """What was there before is gone, and nobody tells."""
    async with watching(api, account, tmp_path):
        await hears(api, account, ISLAND)
        before = account.listed.count(ISLAND)
        assert before == 2, "one of each kind"
        api.faults[OURS] = [status(410)]
        api.ends(*OURS)
        await hears(api, account, ISLAND, "r2")

    assert account.listed.count(ISLAND) == before + 1


async def test_a_list_whose_pages_have_expired_begins_anew(
    api: FakeApi, account: Account, tmp_path: Path
) -> None:
    """Its second page is gone forever: to ask for it again and again would help nobody."""
    api.expires.add(OURS)

    async with watching(api, account, tmp_path):
        await hears(api, account, ISLAND)

    assert account.whys[OURS] == ["refused with 410"]


@pytest.mark.parametrize("fault", [403, 404, CUT, PAGE, 503], ids=str)
async def test_a_namespace_that_is_refused_for_ever_keeps_no_other_from_being_watched(
    api: FakeApi, account: Account, tmp_path: Path, fault: Fault
) -> None:
    """By itself kopf gives up after nine answers, and ends."""
    api.always |= dict.fromkeys([OURS, ("pods", ISLAND)], fault)

    async with watching(api, account, tmp_path) as task:
        for uid in ("r1", "r2"):
            await hears(api, account, OTHER, uid)
        await account.fallen(*OURS, times=20)
        assert not task.done()
        assert account.standing == {(PLURAL, OTHER), ("pods", OTHER)}
        assert (PLURAL, OTHER) not in account.whys
        api.always.clear()
        await hears(api, account, ISLAND)

    assert OURS in account.standing


async def test_why_a_watch_does_not_stand_is_told_in_the_api_servers_words(
    api: FakeApi, account: Account, tmp_path: Path
) -> None:
    api.faults[OURS] = [403, PAGE, CUT]

    async with watching(api, account, tmp_path):
        await hears(api, account, ISLAND)

    assert account.whys[OURS] == [
        "refused with 403",
        "an answer is text/html",
        "the API server does not answer (ServerDisconnectedError)",
    ]


async def test_a_token_that_is_refused_is_read_anew(
    api: FakeApi, account: Account, tmp_path: Path
) -> None:
    """The kubelet replaces it in its file; to the other namespaces nothing happens."""
    api.token = "secret"

    async with watching(api, account, tmp_path) as task:
        await hears(api, account, ISLAND)
        api.token = "renewed"
        write_kubeconfig(tmp_path / "kubeconfig", api.address, token="renewed")
        api.ends(PLURAL, ISLAND)
        await hears(api, account, ISLAND, "r2")
        assert not task.done()

    assert account.whys == {OURS: ["refused with 401"]}


def test_there_is_always_one_more_attempt_and_never_a_long_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    backoffs = EndlessBackoffs()

    for _ in range(2):
        waits = list(islice(backoffs, 1000))
        assert waits[0] == 1
        assert waits == sorted(waits)
        assert waits[-1] == 15


async def test_the_api_server_is_called_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cluster's DNS may start later than the operator, which would end for want of it."""

    def load(client_configuration: Configuration) -> None:
        client_configuration.host = "https://10.96.0.1:443"

    by_name = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="secret")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: by_name)
    monkeypatch.setattr(config, "load_incluster_config", load)
    nothing: Any = None
    found = await Session(None, nothing, nothing, nothing, nothing).open()

    assert found.server == "https://10.96.0.1:443"
    assert found.aiohttp_session.closed is False
    await found.aiohttp_session.close()


async def test_credentials_that_are_not_there_yet_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without any, kopf would end."""
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: None)
    nothing: Any = None

    with pytest.raises(kopf.TemporaryError):
        await Session(None, nothing, nothing, nothing, nothing).open()


async def test_what_kopf_asks_is_counted_as_it_was_answered(
    api: FakeApi, account: Account, tmp_path: Path
) -> None:
    """It is shown a lost connection instead, and asks again; and a watch takes minutes."""
    api.faults[OURS] = [403, 500]
    async with watching(api, account, tmp_path):
        await hears(api, account, ISLAND)
        await hears(api, account, OTHER)

    def count(name: str, **labels: str) -> float | None:
        return account.registry.get_sample_value(f"{PREFIX}_{name}", labels)

    assert count("requests_total", method="GET", code="403") == 1
    assert count("requests_total", method="GET", code="500") == 1
    answered = count("requests_total", method="GET", code="200")
    timed = count("request_duration_seconds_count", verb="GET")
    # Of each kind in each namespace one watch; the two that were refused were lists.
    assert answered
    assert timed == answered - 4 + 2
