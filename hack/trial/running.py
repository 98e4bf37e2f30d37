"""From nothing to a symbol that trades, and back."""

from __future__ import annotations

import os
import shlex
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import screen
from demo.showing import canvas, show
from demo.verdict import LIMIT_SECONDS, Judge
from localports import free_port
from trial.database import DATABASE, database
from trial.failure import TryError
from trial.observer import LeaderDone, Observer
from trial.part import started
from trial.resource import SYMBOL
from trial.stop import Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TextIO

    from localcluster.console import Console
    from postgresql.server import Server
    from trial.part import Part
    from trial.place import Place
    from trial.stop import Stop

KEY, SECRET = "paper", "paper-secret"
"""The paper exchange's account."""
POLL_S = 0.05
PATIENCE_S = 10.0
"""After so long something that is waited for is said to be still at work."""
TITLE = f"{SYMBOL} on this machine; paper money, synthetic market"
CLOSE = "Ctrl-C ends it; `make try` goes on later, `make try STATUS=shutdown` drains it."
LATER = "What is open rests on the exchange and is on record; `make try` goes on with it."
ADVICE = """
To try in another shell, from the root of this clone:
  # finish what is open, then end
  make try STATUS=shutdown
  # do exchange and record agree
  . {folder}/environment && .venv/bin/symbol-trader audit {symbol}
  # read its story
  tail -f {folder}/leader.log
  # change its settings: edit {folder}/{resource}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, in a folder that nobody else uses meanwhile."""

    place: Place
    lock: int
    console: Console
    stop: Stop

    def trade(self, out: TextIO) -> int:
        """Start everything, show it until it is over, and end everything; returns the exit code.

        Raises:
            TryError: something does not start, or ended by itself.
            ServerError: PostgreSQL does not do what it is asked to.
            ProgramsMissing: there is no PostgreSQL.

        """
        with ExitStack() as parts:
            try:
                observer = self._start(parts)
                self._show(observer, out)
            except Stopped as exc:
                out.write("\n")
                code = exc.exit_code
                word = LATER
            except LeaderDone:
                code, word = 0, _word(observer)
        self.console.say(word)
        return code

    def _start(self, parts: ExitStack) -> Observer:
        server = parts.enter_context(database(self.place, self.lock, self.console))
        self.stop.check()
        port, probes = free_port(), free_port()
        exchange = parts.enter_context(self._exchange(port))
        self._await(exchange, port)
        environment = _environment(server, port, self._write_key())
        self._write_environment(environment)
        leader = parts.enter_context(self._leader(environment, probes))
        return Observer(server, exchange, leader, probes, self.place.resource, self.stop)

    def _exchange(self, port: int) -> AbstractContextManager[Part]:
        ports = (f"--port={port}", f"--admin-port={free_port()}")
        return started(
            "the paper exchange",
            ("paper_exchange", "serve", *ports, f"--journal={self.place.journal}"),
            log=self.place.log("exchange"),
            lock=self.lock,
            console=self.console,
            environment=os.environ,
        )

    def _leader(self, environment: Mapping[str, str], probes: int) -> AbstractContextManager[Part]:
        options = (f"--http-port={probes}", "--log-format=json")
        return started(
            "the leader",
            ("symbol_trader", "run", str(self.place.resource), *options),
            log=self.place.log("leader"),
            lock=self.lock,
            console=self.console,
            environment={**os.environ, **environment},
        )

    def _await(self, exchange: Part, port: int) -> None:
        """Wait until the exchange serves: it reads its whole journal first."""
        said = time.monotonic()
        with self.console.step("opening the paper exchange"):
            while not _serves(port):
                exchange.check()
                self.stop.wait(POLL_S)
                if time.monotonic() - said > PATIENCE_S:
                    said = time.monotonic()
                    self.console.say(f"  still at work: {exchange.tail()[-200:]}")

    def _write_key(self) -> Path:
        """Write the key of the paper exchange's account, and return its folder."""
        self.place.key.mkdir(mode=0o700, exist_ok=True)
        (self.place.key / "api-key").write_text(KEY)
        (self.place.key / "api-secret").write_text(SECRET)
        return self.place.key

    def _write_environment(self, environment: Mapping[str, str]) -> None:
        file = self.place.environment
        file.touch(mode=0o600)
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
        file.write_text("".join(lines))

    def _show(self, observer: Observer, out: TextIO) -> None:
        """Show it until something ends it."""
        place = self.place
        self.console.say("starting the leader; its record is brought up to date first")
        out.write(
            ADVICE.format(folder=place.folder.name, symbol=SYMBOL, resource=place.resource.name)
        )
        out.write("\n")
        out.flush()
        judge = Judge(watched=True, recorded=False)
        _, seen = show(observer.look, judge, canvas(out, TITLE, CLOSE), self.stop.wait)
        raise TryError(
            f"{SYMBOL} does not trade: no order within {LIMIT_SECONDS:.0f} s\n"
            f"{screen.line(seen)}\n{observer.leader.tail()}"
        )


def _environment(server: Server, port: int, key: Path) -> dict[str, str]:
    """Return what tells the leader where everything is."""
    return {
        "SYMBOL_TRADER_DATABASE_URL": server.url(DATABASE),
        "SYMBOL_TRADER_EXCHANGE_API_URL": f"ws://127.0.0.1:{port}/ws-api/v3",
        "SYMBOL_TRADER_EXCHANGE_STREAM_URL": f"ws://127.0.0.1:{port}",
        "SYMBOL_TRADER_EXCHANGE_KEY": str(key),
    }


def _serves(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _word(observer: Observer) -> str:
    """Return what is left of a leader that has ended as it was asked to."""
    if observer.seen.open_orders:
        return f"{SYMBOL} is off. {LATER}"
    return f"{SYMBOL} is off and nothing is open. `make try` starts again."
