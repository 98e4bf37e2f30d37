"""kubectl on the project's own cluster, and on no other."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

PROJECT = Path(__file__).parents[2]
STATE = PROJECT / ".cluster"
KUBECONFIG = STATE / "kubeconfig"
SCRIPTS = Path(sys.executable).parent
"""Where the environment's console scripts are."""

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 90.0
"""How long the cluster may take for anything that is not meant to take long."""

Answer = TypeVar("Answer")


class KubectlError(Exception):
    """kubectl failed; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl in one namespace."""

    namespace: str

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; returns what it printed.

        Raises:
            KubectlError: it failed.

        """
        done = subprocess.run(
            [*command(), "--namespace", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr)
        return done.stdout

    def apply(self, text: str, *options: str) -> str:
        """Apply a manifest."""
        return self.run("apply", *options, "-f", "-", stdin=text)

    def patch(self, name: str, status: str) -> None:
        """Change the status of a TradingSymbol as a person does."""
        body = json.dumps({"spec": {"status": status}})
        self.run("patch", "tradingsymbol", name, "--type", "merge", "--patch", body)

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """Read an object with its managed fields, None if there is none."""
        options = ("--ignore-not-found", "--show-managed-fields", "-o", "json")
        text = self.run("get", kind, name, *options)
        found: dict[str, Any] | None = json.loads(text) if text else None
        return found

    def list(self, kind: str, *options: str) -> list[dict[str, Any]]:
        """Read the objects of a kind."""
        text = self.run("get", kind, "--show-managed-fields", "-o", "json", *options)
        items: list[dict[str, Any]] = json.loads(text)["items"]
        return items

    def symbol(self, name: str) -> dict[str, Any]:
        """Read a TradingSymbol that exists."""
        found = self.find("tradingsymbol", name)
        assert found is not None, name
        return found

    def leader(self, name: str) -> dict[str, Any] | None:
        """Read the leader pod of a TradingSymbol."""
        return self.find("pod", f"{name}-leader")

    def events(self, name: str, kind: str = "TradingSymbol") -> dict[str, str]:
        """Read the Events about an object: note by reason."""
        regarding = f"regarding.name={name},regarding.kind={kind}"
        events = self.list("events.events.k8s.io", "--field-selector", regarding)
        return {event["reason"]: event["note"] for event in events}


def kubectl_trading(kubectl: Kubectl, *arguments: str) -> tuple[int, list[str]]:
    """Run `kubectl trading`; returns its exit code and what it said, line by line."""
    return plug_in("trading", *arguments, "--namespace", kubectl.namespace)


def plug_in(*arguments: str, path: Sequence[Path] = (SCRIPTS,)) -> tuple[int, list[str]]:
    """Run kubectl with a plug-in in one of these folders, for nobody who could be asked.

    Returns its exit code and what it said, line by line.
    """
    found = os.pathsep.join([*map(str, path), str(STATE / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        ["kubectl", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
        env=os.environ | {"PATH": found, "KUBECONFIG": str(KUBECONFIG)},
    )
    return done.returncode, done.stdout.splitlines()


def command() -> list[str]:
    """Return the start of a kubectl command line that leaves the user's own files alone."""
    cache = STATE / "kubectl-cache"
    return [
        str(STATE / "bin" / "kubectl"),
        *("--kubeconfig", str(KUBECONFIG), "--cache-dir", str(cache)),
    ]


def eventually(
    probe: Callable[[], Answer], *, within: float = PATIENCE_SECONDS, what: object = ""
) -> Answer:
    """Ask until the answer is true; fails with the last answer."""
    deadline = time.monotonic() + within
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {within} s: {what} (last: {answer!r})"
        time.sleep(POLL_SECONDS)
    return answer


def condition(document: dict[str, Any] | None, kind: str) -> dict[str, Any]:
    """Find a condition of an object; an empty one if it has none."""
    conditions = (document or {}).get("status", {}).get("conditions", ())
    return next((item for item in conditions if item["type"] == kind), {})


def manifest(name: str, status: str | None = None, **spec: object) -> str:
    """Write a TradingSymbol as a person would; `status` is written bare, as given."""
    fields = {"budget": 100, "symbol": "XRPUSDT", **spec}
    lines = [f"  {key}: {json.dumps(value)}" for key, value in fields.items()]
    lines += [f"  status: {status}"] if status is not None else []
    head = (
        "apiVersion: tradingsymbol.dev/v1alpha1",
        "kind: TradingSymbol",
        f"metadata: {{name: {name}}}",
        "spec:",
    )
    return "\n".join((*head, *lines, ""))
