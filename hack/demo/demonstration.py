"""The demonstration from an empty machine to a symbol that trades."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import advice, exchange, market, screen
from demo.observer import Observer
from demo.showing import canvas, show
from demo.verdict import LIMIT_SECONDS, Judge, Verdict
from localcluster import processes
from localcluster.deploying import SYSTEM
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from typing import TextIO

    from demo.market import Market
    from demo.recording import Recording
    from localcluster.commands import Commands
    from localcluster.console import Console

NAMESPACE = "trading"
"""The demo overlay's trading namespace."""
CLOSE = "Ctrl-C ends this view; trading goes on."


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One symbol on one market."""

    commands: Commands
    console: Console
    recording: Recording | None
    market: Market
    again: str
    """The command that shows this again."""

    @property
    def _name(self) -> str:
        return self.market.symbol.lower()

    def prepare(self, cluster: str) -> None:
        """Bring everything up and switch the symbol on. Safe to repeat."""
        self.commands.up(cluster)
        self.commands.images()
        if self.recording is not None:
            if not exchange.runs(self.commands.kubectl()):
                self.commands.deploy()
            exchange.upload(self.commands.kubectl(), self.recording, self.console)
        self.commands.deploy(self.market.arguments)
        self.switch_on()
        if self.recording is not None:
            self._await_leader()
            exchange.begin(self.commands.kubectl(), self.console)

    def switch_on(self) -> None:
        """Apply the resource."""
        applied = json.dumps(market.resource(self.market.symbol, NAMESPACE))
        processes.check([*self.commands.kubectl(), "apply", "--filename=-"], stdin=applied)
        self.console.say(f"applied {self._name} in namespace {NAMESPACE}: status on")

    def _await_leader(self) -> None:
        """Wait until a leader holds the symbol; the live view says it if none ever does."""
        held = [f"tradingsymbol/{self._name}", "--for=jsonpath={.status.epoch}"]
        limit = f"--timeout={LIMIT_SECONDS:.0f}s"
        wait = [*self.commands.kubectl(), "--namespace", NAMESPACE, "wait", *held, limit]
        with self.console.step("waiting for a leader before the market opens"):
            processes.capture(wait)

    def show(self, out: TextIO) -> None:
        """Show it live, then say what to try next.

        Raises:
            LocalClusterError: it does not trade; the message has the reasons and the pods.

        """
        observer = Observer(
            self.commands.kubectl(), NAMESPACE, self._name, recorded=self.recording is not None
        )
        judge = Judge(watched=out.isatty(), recorded=observer.recorded)
        title = f"{self.market.symbol} in namespace {NAMESPACE}; market: {self.market.title}"
        try:
            verdict, seen = show(observer.look, judge, canvas(out, title, CLOSE))
        except KeyboardInterrupt:
            verdict, seen = Verdict.ENOUGH, None
        if verdict is Verdict.FAILED and seen is not None:
            reason = screen.ENDED if seen.ended else f"no order within {LIMIT_SECONDS:.0f} s"
            story = "\n".join(seen.story)
            raise LocalClusterError(
                f"{self.market.symbol} does not trade: {reason}\n{screen.line(seen)}\n"
                f"{story}{observer.states()}"
            )
        out.write(f"\n{advice.text(self._name, NAMESPACE, SYSTEM, self.again)}\n")
        if seen is not None and seen.ended:
            out.write("\nThe recording has ended; LOOP=1 plays on, mirrored, so no price jumps.\n")
