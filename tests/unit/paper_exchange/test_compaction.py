"""A compacted journal: nothing that accounts did is lost, and no moment of a crash is a bad one."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange import journal, journal_history
from paper_exchange.core.engine import Rules
from paper_exchange.core.entries import Entry, Granted, Opened, Played, Priced
from paper_exchange.core.errors import ExchangeError
from paper_exchange.core.orders import OrderStatus
from paper_exchange.core.state import State
from paper_exchange.journal import FileJournal, Header, JournalError
from paper_exchange.journal_history import history_of
from unit.paper_exchange.builders import NOW, D, Market, content, replayed
from unit.paper_exchange.test_properties import Act, rules, scripts

HEADER = Header("first", NOW)
GRANT = Granted("a", "USDT", D(1))
VERSION_1 = Path(__file__).parent / "data" / "journal_version_1.jsonl"
"""Written by the version that knew no history."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def opened(path: Path, state: State, compact_after: int = 1 << 20) -> FileJournal:
    return FileJournal.open(path, HEADER, state, compact_after=compact_after)


def reopened(path: Path) -> State:
    state = State()
    opened(path, state).close()
    return state


def exact(state: State) -> dict[str, Any]:
    """Return what a state holds, and the order in which clients are shown it."""
    shown = {name: list(book.orders) for name, book in state.books.items()}
    return {**content(state), "shown": shown}


# -- nothing is lost -------------------------------------------------------------------------


@dataclass
class Exchange:
    """A market whose journal is compacted at a size, and which is started again now and then."""

    path: Path
    market: Market
    compact_after: int
    batches: list[list[Entry]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._journal = opened(self.path, State(), self.compact_after)
        self._seen = 0
        self.commit()

    def commit(self) -> None:
        """Write what has happened since the last time."""
        batch = self.market.entries[self._seen :]
        self._seen = len(self.market.entries)
        if batch:
            self._journal.append(NOW, batch)
            self.batches.append(batch)

    def restart(self) -> State:
        """Stop and start; return what the exchange then knows."""
        self._journal.close()
        state = State()
        self._journal = opened(self.path, state, self.compact_after)
        return state

    def close(self) -> None:
        self._journal.close()


@settings(max_examples=100, deadline=None)
@given(
    rules,
    scripts,
    st.tuples(st.integers(200, 4000), st.integers(1, 20)),
    st.sets(st.integers(0, 40)),
)
def test_a_restart_from_history_and_tail_is_a_replay_of_everything(
    tmp_path_factory: pytest.TempPathFactory,
    given_rules: Rules,
    script: list[Act],
    sizes: tuple[int, int],
    restarts: set[int],
) -> None:
    path = tmp_path_factory.mktemp("compacted") / "journal.jsonl"
    compact_after, chunk = sizes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_history, "CHUNK", chunk)
        exchange = Exchange(path, Market(given_rules), compact_after)
        for number, act in enumerate(script):
            try:
                act.on(exchange.market)
            except ExchangeError:
                continue
            exchange.commit()
            if number in restarts:
                everything = replayed(exchange.market.entries)
                assert exact(exchange.restart()) == exact(everything)
        everything = replayed(exchange.market.entries)
        assert exact(everything) == exact(exchange.market.state)
        assert journal.read(path) == journal.audit(HEADER, everything)
        assert exact(exchange.restart()) == exact(everything)
        exchange.close()


def test_the_market_alone_takes_no_space(path: Path) -> None:
    """However long the outside trades: the journal stays small, and its history too."""
    held = opened(path, State(), compact_after=10_000)
    for number in range(1, 5_000):
        held.append(NOW, [Priced("XRPUSDT", D(number), number), Played(number)])
        assert path.stat().st_size < 10_200
    held.close()
    assert history_of(path).stat().st_size < 10_000


def test_a_start_reads_the_history_and_what_follows(path: Path) -> None:
    held = opened(path, State(), compact_after=1_000)
    for number in range(1, 101):
        held.append(NOW, [Played(number)])
    held.close()
    lines = path.read_text().splitlines()
    assert len(lines) < 15
    assert '"n":100,' in lines[-1]
    assert reopened(path).position == 100


def test_what_is_kept_stays_in_its_order(path: Path) -> None:
    """Another source begins at its beginning: a position after that is one of the new source."""
    batches: list[list[Entry]] = [[Opened("old"), Played(5)], [Opened("new")], [Played(3)]]
    held = opened(path, State(), compact_after=1_000)
    for batch in batches:
        held.append(NOW, batch)
    held.append(NOW, [GRANT] * 20)
    held.close()
    assert path.read_bytes().count(b"\n") == 1
    state = reopened(path)
    assert (state.source, state.position) == ("new", 3)


# -- a journal of before ---------------------------------------------------------------------


def version_1(path: Path) -> None:
    path.write_bytes(VERSION_1.read_bytes())


@pytest.mark.parametrize("compact_after", [100, 1 << 20])
def test_a_journal_of_the_version_before_is_read_and_goes_on(
    path: Path, compact_after: int
) -> None:
    version_1(path)
    state = State()
    held = opened(path, state, compact_after)
    held.append(NOW, [Played(7)])
    held.close()
    assert held.header == HEADER
    assert state.accounts["a"].of("USDT").free == D("9910.0697")
    found = journal.read(path)
    assert [order.status for order in found.orders.values()] == [
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.CANCELED,
    ]
    assert [fill.quantity for fill in found.fills] == [10, 3]
    assert reopened(path).position == 7


def test_a_long_one_is_compacted_at_the_start(path: Path) -> None:
    version_1(path)
    opened(path, State(), compact_after=1_000).close()
    assert path.read_bytes().count(b"\n") == 1
    assert path.stat().st_size < VERSION_1.stat().st_size / 10


def test_a_start_that_reads_for_long_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    version_1(path)
    caplog.set_level("INFO")
    reopened(path)
    assert not caplog.messages
    monkeypatch.setattr(journal, "LONG", 1_000)
    monkeypatch.setattr(journal_history, "LONG", 1)
    opened(path, State(), compact_after=1_000).close()
    reopened(path)
    assert caplog.messages == [
        *[f"reading {path}: 0 of 0 MiB"] * 3,
        "compacted 0.0 MiB of journal; its history has 0.0 MiB",
        f"reading {history_of(path)}: 15 entries",
    ]


# -- what cannot be read ---------------------------------------------------------------------


def compacted(path: Path) -> None:
    """Leave a journal whose batches are all in the history."""
    held = opened(path, State(), compact_after=1)
    held.append(NOW, [GRANT])
    held.append(NOW, [Granted("a", "XRP", D(2))])
    held.close()


def test_a_missing_history_is_refused_with_the_remedy(path: Path) -> None:
    compacted(path)
    history_of(path).unlink()
    with pytest.raises(JournalError, match=r"history: missing: it belongs to journal\.jsonl"):
        reopened(path)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-1], id="short"),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: data[:40] + bytes(len(data) - 40), id="zeros-behind"),
        pytest.param(lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:], id="flipped"),
        pytest.param(lambda data: data[: data.rfind(b"\x1f\x8b")], id="a-member-less"),
    ],
)
def test_a_damaged_history_is_refused(path: Path, damage: Callable[[bytes], bytes]) -> None:
    compacted(path)
    history_of(path).write_bytes(damage(history_of(path).read_bytes()))
    with pytest.raises(JournalError, match="damaged history, after entry"):
        reopened(path)
    with pytest.raises(JournalError, match="damaged history, after entry"):
        journal.read(path)


def test_a_journal_that_is_made_again_takes_nothing_from_an_old_history(path: Path) -> None:
    compacted(path)
    path.unlink()
    assert reopened(path).accounts == {}
    assert history_of(path).stat().st_size == 0


def test_a_journal_that_was_replaced_while_it_was_opened_is_in_use(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was looked up, and then another exchange compacted and ended."""
    compacted(path)
    real, before = os.open, os.stat(path)  # noqa: PTH116 - Path.stat calls what is replaced here

    def late(file: Any, *flags: Any) -> int:
        descriptor = real(file, *flags)
        if Path(file) == path and path.stat().st_ino == before.st_ino:
            path.write_bytes(path.read_bytes())
            path.with_name("other").write_bytes(path.read_bytes())
            path.with_name("other").replace(path)
        return descriptor

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(JournalError, match="another exchange is using this journal"):
        opened(path, State())


def test_what_a_link_leads_to_is_compacted(path: Path) -> None:
    (path.parent / "volume").mkdir()
    path.symlink_to(path.parent / "volume" / "real")
    compacted(path)
    assert path.is_symlink()
    assert reopened(path).accounts["a"].of("XRP").free == 2


# -- crashes ---------------------------------------------------------------------------------

CALLS = ("open", "write", "fsync", "replace", "unlink", "truncate", "ftruncate")
BATCHES: list[list[Entry]] = [
    [GRANT, Played(1)],
    [Played(2)],
    [Granted("a", "XRP", D(2)), Played(3)],
    [Played(4)],
]


def live(path: Path) -> None:
    """Start on a journal and write to it; it is compacted with every batch."""
    with closing(opened(path, State(), compact_after=1)) as held:
        for batch in BATCHES[2:]:
            held.append(NOW, batch)


def before(path: Path) -> None:
    """Leave what the life before has written: a history and a tail."""
    held = opened(path, State(), compact_after=1)
    held.append(NOW, BATCHES[0])
    held.close()
    held = opened(path, State())
    held.append(NOW, BATCHES[1])
    held.close()


def at_each_call(step: int, strike: Callable[[str, tuple[Any, ...]], None]) -> Iterator[Any]:
    """Yield replacements of the system calls, of which the one with this number strikes."""
    numbers = count()

    def replaced(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **more: Any) -> Any:
            if next(numbers) == step:
                strike(name, args)
            return real(*args, **more)

        return call

    return ((name, replaced(name)) for name in CALLS)


def die(name: str, args: tuple[Any, ...]) -> None:
    """Be killed at this call, in the middle of it where there is a middle."""
    if name == "write":
        os.pwrite(args[0], args[1][: len(args[1]) // 2], 0)  # at the end: the files are appended to
    os.kill(os.getpid(), signal.SIGKILL)


def killed(step: int, path: Path) -> bool:
    """Live in a process that is killed at a system call; return False if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            for name, call in list(at_each_call(step, die)):
                setattr(os, name, call)
            live(path)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def outcomes() -> list[dict[str, Any]]:
    """Return what may be known after two to four batches."""
    return [
        exact(replayed(entry for batch in BATCHES[:number] for entry in batch))
        for number in (2, 3, 4)
    ]


def check_what_is_left(path: Path) -> None:
    """Read it as an auditor and as the next exchange does; then use it."""
    found = journal.read(path)
    state = State()
    held = opened(path, state)
    assert exact(state) in outcomes()
    assert found == journal.audit(HEADER, state)
    held.append(NOW, [Played(9)])
    held.close()
    assert reopened(path).position == 9
    assert {file.name for file in path.parent.iterdir()} <= {path.name, history_of(path).name}


def test_a_writer_may_be_killed_at_any_system_call(tmp_path: Path) -> None:
    for step in count():
        path = tmp_path / str(step) / "journal.jsonl"
        before(path)
        struck = killed(step, path)
        check_what_is_left(path)
        if not struck:
            break
    assert step > 20


def fail(name: str, args: tuple[Any, ...]) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_any_system_call_may_fail(tmp_path: Path) -> None:
    """What cannot be written is an error with the file's name, and nothing comes behind it."""
    for step in count():
        path = tmp_path / str(step) / "journal.jsonl"
        before(path)
        try:
            with pytest.MonkeyPatch.context() as patch:
                for name, call in list(at_each_call(step, fail)):
                    patch.setattr(os, name, call)
                live(path)
        except JournalError as exc:
            assert "journal.jsonl" in str(exc)  # noqa: PT017 - raises() would hide the context
            assert str(exc).endswith("No space left on device")  # noqa: PT017 - raises() would hide the context
            check_what_is_left(path)
        else:
            break
    assert step > 20


def test_after_a_failed_compaction_nothing_is_appended(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = opened(path, State(), compact_after=300)
    held.append(NOW, [GRANT])
    monkeypatch.setattr(os, "replace", lambda *_: fail("replace", ()))
    with pytest.raises(JournalError, match=r"journal\.jsonl: cannot be written: No space left"):
        held.append(NOW, [Played(number) for number in range(20)])
    monkeypatch.undo()
    with pytest.raises(JournalError, match="an earlier line could not be written"):
        held.append(NOW, [Played(99)])
    held.close()
    assert reopened(path).position == 19
    assert {file.name for file in path.parent.iterdir()} == {path.name, history_of(path).name}


def test_the_old_journal_goes_only_when_all_else_is_durable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = opened(path, State(), compact_after=300)
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        seen.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        seen.append(f"rename {old.name}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    held.append(NOW, [Played(number) for number in range(20)])
    held.close()
    assert seen == [
        "fsync journal.jsonl.history",
        "fsync journal.jsonl.new",
        "rename journal.jsonl.new",
        f"fsync {path.parent.name}",
    ]
