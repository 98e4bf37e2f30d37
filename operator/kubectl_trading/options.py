"""What the commands share: who and where a person is, which symbols they mean, and formats."""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.metadata import version
from typing import Any

import click
from click.shell_completion import CompletionItem

from kubectl_trading.cluster import Cluster
from kubectl_trading.connection import ClusterError, Where, contexts
from kubectl_trading.kinds import Found
from kubectl_trading.output import Output
from kubectl_trading.resources import Resources
from tradingsymbol_api.values import parse_duration

COMPLETION_S = 3
"""How long a person who presses Tab waits for the cluster at most."""
PACKAGE = "trading-operator"
SPOKEN = "kubectl trading"
"""How a person runs it, unless it was installed by another name."""
EPILOG = f"{SPOKEN} --help lists the options that say which cluster, namespace and user."

Function = Callable[..., Any]


class Duration(click.ParamType[float]):
    """A duration as in the resource: 90s, 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return seconds."""
        try:
            return parse_duration(value).total_seconds()
        except ValueError as exc:
            self.fail(f"{value!r} {exc}", param, ctx)


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Keep what was said of the place; what stands behind the command is said later, and counts."""
    if value is not None:
        ctx.find_root().ensure_object(dict)[param.name] = value


def where(ctx: click.Context, *, all_namespaces: bool = False) -> Where:
    """Return which cluster, namespace and user were named, before or behind the command."""
    return Where(all_namespaces=all_namespaces, **ctx.find_root().ensure_object(dict))


def _complete(found: Callable[[Where], Sequence[str]]) -> Function:
    """Make a completion of what is found in the cluster; where nothing can be, it is silent."""

    def completion(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(n) for n in found(where(ctx)) if n.startswith(incomplete)]
        except ClusterError:
            return []

    return completion


def _symbols_there(place: Where) -> Sequence[str]:
    return [symbol.name for symbol in Cluster(place, COMPLETION_S).symbols.list()]


def _limits_there(place: Where) -> Sequence[str]:
    return [limit.name for limit in Cluster(place, COMPLETION_S).limits.list()]


PLACE = tuple(
    click.Option([*names], expose_value=False, callback=_remember, **more)
    for names, more in (
        (
            ("-n", "--namespace"),
            {
                "help": "Default: the namespace of the context.",
                "shell_complete": _complete(lambda p: Cluster(p, COMPLETION_S).namespaces()),
            },
        ),
        (
            ("--context",),
            {
                "help": "Context of the kubeconfig. Default: the current one.",
                "shell_complete": _complete(lambda place: contexts(place.kubeconfig)),
            },
        ),
        (
            ("--kubeconfig",),
            {
                "help": "Default: $KUBECONFIG, else ~/.kube/config.",
                "type": click.Path(dir_okay=False),
            },
        ),
        (("--as", "user"), {"help": "Act as this user, if you may impersonate them."}),
    )
)
"""They count before the command and behind it."""


def sits_there() -> bool:
    """Return whether a person sits at the terminal, who can be asked."""
    return sys.stdin.isatty()


def as_run(text: str) -> str:
    """Return a text whose commands are those of the program's name here: krew has another one."""
    name = click.get_current_context().find_root().info_name or SPOKEN
    return text.replace(f"{SPOKEN} ", f"{name} ")


class Placed(click.Command):
    """A command that takes the options of `PLACE`; its help leaves them to that of the group."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters, those of the place among them."""
        return [*super().get_params(ctx), *PLACE]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options."""
        own = [p for p in super().get_params(ctx) if isinstance(p, click.Option)]
        with formatter.section("Options"):
            formatter.write_dl([record for p in own if (record := p.get_help_record(ctx))])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Say where the others are."""
        formatter.write_paragraph()
        formatter.write_text(as_run(EPILOG))


class Commands(click.Group):
    """The commands, in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return their names."""
        return list(self.commands)


def group(function: Function) -> Commands:
    """Make the group that holds the commands."""
    made: Commands = click.group(
        cls=Commands,
        params=[*PLACE],
        context_settings={"help_option_names": ["-h", "--help"]},
    )(function)
    return click.version_option(version(PACKAGE), message="%(prog)s %(version)s")(made)


def command(function: Function) -> click.Command:
    """Make a command that begins with the cluster that is meant, and tells its errors."""

    @wraps(function)
    @click.pass_context
    def wrapper(ctx: click.Context, /, **options: Any) -> None:
        everywhere = options.pop("all_namespaces", False)
        try:
            function(Cluster(where(ctx, all_namespaces=everywhere)), **options)
        except ClusterError as exc:
            raise click.ClickException(as_run(str(exc))) from exc

    return click.command(cls=Placed)(wrapper)


names_argument = click.argument("names", nargs=-1, shell_complete=_complete(_symbols_there))
name_argument = click.argument("name", shell_complete=_complete(_symbols_there))
limits_argument = click.argument("names", nargs=-1, shell_complete=_complete(_limits_there))
selector_option = click.option(
    "-l", "--selector", default="", help="Those with these labels: key=value,…"
)
everywhere_option = click.option(
    "-A", "--all-namespaces", is_flag=True, help="Those of all namespaces."
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Choice([output.value for output in Output]),
    default=Output.TABLE.value,
    help="The format. Default: table.",
)


def choose(resources: Resources[Found], names: Sequence[str], selector: str) -> Sequence[Found]:
    """Return the resources of these names, or all; of them those that a selector fits.

    Raises `ClusterError` if there is none of a name.
    """
    if not names:
        return resources.list(selector)
    named = [found for name in dict.fromkeys(names) for found in resources.named(name)]
    if not selector:
        return named
    fitting = {(found.namespace, found.name) for found in resources.list(selector)}
    return [found for found in named if (found.namespace, found.name) in fitting]


def place(cluster: Cluster) -> str:
    """Return where is looked, as part of a sentence."""
    everywhere = cluster.where.all_namespaces
    return "of any namespace" if everywhere else f"of namespace {cluster.namespace}"


def _chosen(
    kind: str, argument: Callable[[Function], Function], of: Callable[[Cluster], Resources[Any]]
) -> Callable[[Function], Function]:
    """Make what adds names, --all and --selector, and hands on the resources that they choose."""

    def add(function: Function) -> Function:
        @argument
        @click.option("--all", "everything", is_flag=True, help=f"All {kind} of the namespace.")
        @selector_option
        @wraps(function)
        def wrapper(
            cluster: Cluster,
            names: tuple[str, ...],
            everything: bool,
            selector: str,
            **options: Any,
        ) -> None:
            if everything == bool(names or selector):
                raise click.UsageError(f"name {kind}, or use --selector, or --all alone")
            found = choose(of(cluster), names, selector)
            if not found:
                click.echo(f"no {of(cluster).kind.name} {place(cluster)} fits", err=True)
            function(cluster, found, **options)

        return wrapper

    return add


chosen = _chosen("symbols", names_argument, lambda cluster: cluster.symbols)
chosen_limits = _chosen("limits", limits_argument, lambda cluster: cluster.limits)
