"""Looks at a leader that runs on this machine."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demo import snapshot
from demo.snapshot import Snapshot
from trial import database
from trial.failure import TryError
from trial.resource import QUOTE, status_of

if TYPE_CHECKING:
    from pathlib import Path

    from postgresql.server import Server
    from trial.part import Part
    from trial.stop import Stop

ANSWER_S = 2.0


class LeaderDone(Exception):  # noqa: N818 - what was asked for
    """The leader has ended as it was asked to."""


@dataclass(slots=True)
class Observer:
    """Looks at everything that runs."""

    server: Server
    exchange: Part
    leader: Part
    port: int
    """Of the leader's probes."""
    resource: Path
    stop: Stop
    seen: Snapshot = field(default_factory=Snapshot)
    """What was seen last."""

    def look(self) -> Snapshot:
        """Return what is to be seen now.

        Raises:
            Stopped: a signal has come.
            LeaderDone: the leader has ended as it was asked to.
            TryError: something has ended by itself.

        """
        self.stop.check()
        self.seen = read(
            status=status_of(self._resource()),
            answer=self._probe(),
            book=database.book(self.server),
            story=self.leader.tail(),
            leader=f"process {self.leader.process.pid}",
        )
        self._check()
        return self.seen

    def _check(self) -> None:
        self.exchange.check()
        if not self.server.listens:
            log = self.server.folder / "log"
            raise TryError(f"PostgreSQL ended by itself; its log is {log}")
        if self.leader.exit_code == 0:
            raise LeaderDone
        self.leader.check()

    def _resource(self) -> str:
        try:
            return self.resource.read_text()
        except (OSError, UnicodeError):
            return ""

    def _probe(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()


def read(*, status: str, answer: tuple[int, str], book: str, story: str, leader: str) -> Snapshot:
    """Put together what was found out; the answer is the one of the leader's readiness probe."""
    code, text = answer
    known = snapshot.read_book(book)
    return Snapshot(
        requested=status,
        ready=code == http.HTTPStatus.OK,
        traders=known.running,
        open_orders=len(known.orders),
        profit=known.profit,
        quote=QUOTE,
        leader=leader,
        problems=(text,) if code == http.HTTPStatus.SERVICE_UNAVAILABLE else (),
        book=known,
        story=snapshot.read_story(story),
    )
