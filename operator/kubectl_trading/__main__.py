"""The command `kubectl-trading`, which kubectl runs for `kubectl trading`.

Exit codes: 0 it is done, or was so already; 1 it failed, or no operator serves the namespace;
2 wrong usage; 3 a symbol is not in the desired state (`status`), its shutdown is not done
(`shutdown --wait`), or buys are halted (`limits`).
"""

from typing import Final

from kubectl_trading.commands.asking import shutdown, start, stop
from kubectl_trading.commands.completion import completed, completion, program
from kubectl_trading.commands.limiting import halt, limits, resume
from kubectl_trading.commands.looking import status, watch
from kubectl_trading.commands.owning import audit, takeover
from kubectl_trading.commands.telling import events, explain, logs
from kubectl_trading.options import group

COMMANDS: Final = (
    start,
    stop,
    shutdown,
    status,
    watch,
    explain,
    events,
    logs,
    halt,
    resume,
    limits,
    audit,
    takeover,
    completion,
)
"""In the order of the help and of the reference."""


@group
def main() -> None:
    """Start, stop, shut down, look at and audit TradingSymbols."""


for command in COMMANDS:
    main.add_command(command)


def run() -> None:
    """Run the program, or complete its command line."""
    if not completed(main):
        main(prog_name=spoken(program()))


def spoken(name: str) -> str:
    """Return how a person runs a plug-in: kubectl's names have `-` and `_` for spaces and `-`."""
    return name.replace("-", " ").replace("_", "-")


if __name__ == "__main__":
    run()
