"""Asks the cluster about one symbol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import record, snapshot
from localcluster import processes
from localcluster.deploying import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.snapshot import Snapshot

ANSWER_SECONDS = 15.0
"""How long one question may take; what has not come by then is shown as unknown."""
STORY_LINES = 12


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at one symbol."""

    kubectl: Sequence[str | Path]
    """Begins a command line."""
    namespace: str
    name: str
    recorded: bool
    """Whether the market can end."""

    def look(self) -> Snapshot:
        """Ask for everything; what does not answer is left out."""
        return snapshot.read(
            self._ask(self.namespace, "get", "tradingsymbol", self.name, "--output=json"),
            self._book(),
            self._story(),
            self._ask(SYSTEM, "logs", "paper-exchange-0", "--tail=20") if self.recorded else "",
        )

    def states(self) -> str:
        """Say how the pods are, for a person who has to find out what went wrong."""
        return "".join(
            f"\npods in {namespace}:\n" + self._ask(namespace, "get", "pods", "--output=wide")
            for namespace in (self.namespace, SYSTEM)
        )

    def _book(self) -> str:
        exec_ = ["exec", "--stdin", "postgres-0", "--container=postgres", "--"]
        psql = ["psql", "--username=trading", *record.arguments(self.namespace, self.name)]
        return self._ask(SYSTEM, *exec_, *psql, stdin=record.BOOK)

    def _story(self) -> str:
        pod = f"{self.name}-leader"
        return self._ask(self.namespace, "logs", pod, f"--tail={STORY_LINES}")

    def _ask(self, namespace: str, *arguments: str, stdin: str | None = None) -> str:
        command = [*self.kubectl, "--namespace", namespace, *arguments]
        answer = processes.capture(command, timeout=ANSWER_SECONDS, stdin=stdin)
        return answer.out if answer.ok else ""
