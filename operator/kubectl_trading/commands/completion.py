"""`completion`: what shells need to complete commands, options and names."""

import os
import sys
from pathlib import Path

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
    shell_complete,
)

NO_FILES = ":4"
"""Says to kubectl that files are not what is meant."""
PROGRAM = "kubectl-trading"


class KubectlComplete(ShellComplete):
    """Completion of `kubectl trading` by kubectl's own: it runs a program with the words."""

    name = "kubectl"
    source_template = '#!/bin/sh\n%(complete_var)s=kubectl_complete exec %(prog_name)s "$@"\n'

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is completed, and that one."""
        *words, incomplete = sys.argv[1:] or [""]
        return words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return a line as kubectl reads it."""
        return f"{item.value}\t{item.help}" if item.help else str(item.value)

    def complete(self) -> str:
        """Return all lines, and what kubectl is to make of them."""
        return f"{super().complete()}\n{NO_FILES}".lstrip()


add_completion_class(KubectlComplete)


@click.command()
@click.argument("shell", type=click.Choice(["kubectl", "bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what completes commands, options and names.

    kubectl: a program for `kubectl trading` in every shell that completes kubectl. Save it on PATH
    as kubectl_complete-trading, and make it executable.

    bash, zsh, fish: a script for `kubectl-trading`, which the shell has to source.
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - they are click's, and the one above
    cli = ctx.find_root().command
    click.echo(made(cli, {}, program(), _variable()).source().strip())


def completed(cli: click.Command) -> bool:
    """Complete, if it is a shell that runs the program for that; return whether it was."""
    asked = os.environ.get(_variable())
    if asked is None:
        return False
    shell_complete(cli, {}, program(), _variable(), asked)
    return True


def program() -> str:
    """Return the name by which the program was run."""
    name = Path(sys.argv[0]).name
    return name if name.startswith("kubectl-") else PROGRAM


def _variable() -> str:
    """Return the variable by which a completion asks the program."""
    return f"_{program().replace('-', '_').upper()}_COMPLETE"
