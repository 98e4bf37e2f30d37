"""What to try next: commands that work as they are printed, from the root of the clone."""

from __future__ import annotations

_KUBECTL = ".cluster/bin/kubectl --kubeconfig .cluster/kubeconfig"

_PROFIT = "psql -U trading -c 'SELECT * FROM profit_by_day'"


def commands(name: str, namespace: str, system: str, again: str) -> list[tuple[str, str]]:
    """Return what each command is for, and the command; `again` is the one that led here."""
    here = f"{_KUBECTL} -n {namespace}"

    def status(value: str) -> str:
        return f'{here} patch tsym {name} --type merge -p \'{{"spec":{{"status":"{value}"}}}}\''

    return [
        ("watch it", f"{here} get tsym {name} --watch"),
        ("read its story", f"{here} logs --follow {name}-leader"),
        ("why it is as it is", f"{here} describe tsym {name}"),
        (
            "do exchange and record agree",
            f"{here} exec {name}-leader -- symbol-trader audit {name.upper()}",
        ),
        ("finish what is open, then stop", status("shutdown")),
        ("start again", status("on")),
        ("stop at once; orders stay on the exchange", status("off")),
        (
            "what it earned",
            f"{_KUBECTL} -n {system} exec postgres-0 -- {_PROFIT}",
        ),
        ("see this view again", again),
        ("remove everything", "make demo-down"),
    ]


def text(name: str, namespace: str, system: str, again: str) -> str:
    """Lay the commands out for a person."""
    found = commands(name, namespace, system, again)
    listed = [f"  # {what}\n  {command}" for what, command in found]
    return "\n".join(["To try next, from the root of this clone:", *listed])
