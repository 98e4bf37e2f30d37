"""What runs in a leader's pod, and its log: kubectl does it, for the same person and place."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubectl_trading.connection import ClusterError, Where
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.names import LEADER_CONTAINER, leader_pod_name


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which lines of a log are meant, as kubectl's options of the same names say."""

    follow: bool = False
    previous: bool = False
    tail: int | None = None
    since: str = ""

    def options(self) -> list[str]:
        """Return kubectl's options."""
        flags = {"--follow": self.follow, "--previous": self.previous}
        tail = [f"--tail={self.tail}"] if self.tail is not None else []
        since = [f"--since={self.since}"] if self.since else []
        return [*(flag for flag, given in flags.items() if given), *tail, *since]


def run_in_leader(where: Where, symbol: Symbol, program: Sequence[str]) -> int:
    """Run a program in the symbol's leader; what it prints goes to the terminal.

    Returns its exit code. Raises `ClusterError` if there is no kubectl.
    """
    command = _kubectl(where, symbol, "exec", leader_pod_name(symbol.name))
    try:
        return subprocess.run([*command, "--", *program], check=False).returncode  # noqa: S603 - no shell
    except FileNotFoundError as exc:
        raise _no_kubectl() from exc


def log_lines(where: Where, symbol: Symbol, lines: LogOptions) -> Iterator[str]:
    """Yield lines of the leader's log. Raises `ClusterError` with what kubectl said."""
    command = _kubectl(where, symbol, "logs", leader_pod_name(symbol.name), *lines.options())
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )
    except FileNotFoundError as exc:
        raise _no_kubectl() from exc
    with process:
        try:
            yield from _read(process)
        finally:
            process.terminate()


def _read(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        yield line.rstrip("\n")
    said = process.stderr.read().strip()
    if process.wait():
        raise ClusterError(said or "kubectl failed")


def _kubectl(where: Where, symbol: Symbol, verb: str, *arguments: str) -> list[str]:
    options = where.options(symbol.namespace)
    return ["kubectl", verb, *options, *arguments, f"--container={LEADER_CONTAINER}"]


def _no_kubectl() -> ClusterError:
    return ClusterError("kubectl is not on PATH: it reaches into the leader's pod")
