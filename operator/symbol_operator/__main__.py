"""The command `symbol-operator`."""

import asyncio
import os
import secrets
import socket
from pathlib import Path

import click

from symbol_operator.runtime import logs, operate
from symbol_operator.runtime.errors import ClusterError
from symbol_operator.runtime.settings_file import load_settings
from symbol_operator.settings import Identity, SettingsError


@click.group()
def main() -> None:
    """Run one leader pod per TradingSymbol that is on or in shutdown."""


@main.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SYMBOL_OPERATOR_CONFIG",
    help="Configuration file: exchanges, leader pods, namespaces.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="KUBECONFIG",
    help="Cluster to operate on, by its current context. Default: the one this pod runs in.",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    envvar="SYMBOL_OPERATOR_NAMESPACE",
    help="Namespace to serve; may be repeated. Default: as configured.",
)
@click.option(
    "--leader-image",
    envvar="SYMBOL_OPERATOR_LEADER_IMAGE",
    help="Image of the leader pods. Default: as configured.",
)
@click.option(
    "--pod",
    envvar="SYMBOL_OPERATOR_POD",
    help="Name of this pod: of the replicas of an installation one acts. Default: a random one.",
)
@click.option(
    "--pod-namespace",
    envvar="SYMBOL_OPERATOR_POD_NAMESPACE",
    help="Namespace of this pod, which identifies the installation and holds the Lease of the "
    "replica that acts. Default: the first namespace that is served.",
)
@click.option(
    "--log-format",
    type=click.Choice(["json", "console"]),
    default="console",
    show_default=True,
    envvar="SYMBOL_OPERATOR_LOG_FORMAT",
)
@click.option("--verbose", is_flag=True, help="Log what the watches do, too.")
def run(
    *,
    config: Path | None,
    kubeconfig: Path | None,
    namespaces: tuple[str, ...],
    leader_image: str | None,
    pod: str | None,
    pod_namespace: str | None,
    log_format: str,
    verbose: bool,
) -> None:
    """Operate until SIGINT or SIGTERM."""
    logs.take_over(log_format, verbose=verbose)
    try:
        settings = load_settings(config, namespaces=namespaces, leader_image=leader_image)
        if kubeconfig is not None:
            # kopf reads the variable, and the project's own client takes the path.
            os.environ["KUBECONFIG"] = str(kubeconfig)
        identity = Identity(
            pod or f"{socket.gethostname()}-{secrets.token_hex(4)}",
            pod_namespace or settings.all_namespaces[0],
        )
        access = str(kubeconfig) if kubeconfig else None
        asyncio.run(operate.run(settings, identity, kubeconfig=access))
    except (SettingsError, ClusterError) as exc:
        raise click.ClickException(str(exc)) from exc


if __name__ == "__main__":
    main()
