"""The command line."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from localcluster.commands import Commands
from localcluster.console import Console
from localcluster.failure import LocalClusterError
from localcluster.folders import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_NAME = "trading"
ADMINISTRATION = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where dockerd and debootstrap are; root's PATH does not always say so."""
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


def default_name() -> str:
    """Return the name of this clone's cluster if none is given."""
    return os.environ.get("TRADING_CLUSTER", DEFAULT_NAME)


def administer() -> None:
    """Let this process find the programs of administrators."""
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *ADMINISTRATION])


def exit_code(work: Callable[[], object]) -> int:
    """Do it as an administrator; return 0 if it worked, 1 with a sentence on standard error if not.

    After Ctrl-C the code says so.
    """
    administer()
    try:
        work()
    except LocalClusterError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="cluster.py",
        description="A Kubernetes cluster of three nodes on this machine, for this project.",
        epilog="Every command can be repeated, also after one that was interrupted. Own files: "
        "the clone's .cluster/, and trading-operator/ in $XDG_CACHE_HOME or ~/.cache.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    name = argparse.ArgumentParser(add_help=False)
    name.add_argument(
        "--name",
        default=default_name(),
        help="the cluster's name; default: $TRADING_CLUSTER, or %(default)s",
    )
    commands.add_parser("up", parents=[name], help="make the cluster, or bring it back")
    commands.add_parser("images", help="build this project's images and load them into the nodes")
    commands.add_parser("deploy", help="install operator, database and paper exchange")
    load = commands.add_parser("load", help="load other images into the nodes")
    load.add_argument("references", nargs="+", metavar="IMAGE", help="as `docker images` has it")
    commands.add_parser("env", help='print settings for a shell: eval "$(... env)"')
    commands.add_parser("down", parents=[name], help="delete the cluster and end what it needed")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    chosen = parser().parse_args(arguments)
    return exit_code(lambda: carry_out(chosen, Commands(locate(), Console())))


def carry_out(chosen: argparse.Namespace, commands: Commands) -> None:
    """Run the command that was chosen. Raises `LocalClusterError`."""
    match chosen.command:
        case "up":
            commands.up(chosen.name)
        case "down":
            commands.down(chosen.name)
        case "load":
            commands.load(chosen.references)
        case "images":
            print(commands.images(), end="")  # noqa: T201 - the result
        case "deploy":
            commands.deploy()
        case "env":
            commands.env()
