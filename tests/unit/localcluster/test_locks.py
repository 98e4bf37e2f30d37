"""Locks between processes; each open file counts as one."""

import threading
from pathlib import Path

from localcluster.locks import exclusive, exclusive_if_free, shared


def test_the_second_holder_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    waiting, held = threading.Event(), threading.Event()

    def second() -> None:
        with exclusive(lock, waiting.set):
            held.set()

    with exclusive(lock, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not held.is_set()
    thread.join(5)
    assert held.is_set()


def test_users_share_and_keep_the_one_out_who_wants_it_alone(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with shared(lock), shared(lock), exclusive_if_free(lock) as alone:
        assert not alone
    with exclusive_if_free(lock) as alone:
        assert alone
