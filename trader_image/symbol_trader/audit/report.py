"""What `symbol-trader audit` prints: each difference by its key, with the remedy; then the sum."""

from collections.abc import Iterator

from symbol_trader.audit.look import Audit


def report_lines(found: Audit) -> Iterator[str]:
    """Yield the lines of a report: differences, remarks, and the verdict."""
    for finding in found.findings:
        yield str(finding)
    for remark in found.remarks:
        yield f"no difference: {remark}"
    yield verdict(found)


def verdict(found: Audit) -> str:
    """Return what was compared, and how many differences there are, in one line."""
    outcome = "nothing to compare" if not found.orders else f"{len(found.findings)} differences"
    ledger = found.ledger
    return (
        f"{ledger.symbol} of account {ledger.account}: compared {found.orders} orders and "
        f"{found.fills} fills of {found.traders} traders: {outcome}; orders of others, not looked "
        f"at: {found.foreign_orders}"
    )
