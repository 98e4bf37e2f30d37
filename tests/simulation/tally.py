"""What a run has seen, so that it can be told whether it saw anything."""

from collections import Counter


class Tally(Counter[str]):
    """Counts of what happened, by what people call it."""

    def count(self, what: str, times: int = 1) -> None:
        """Count something that happened."""
        self[what] += times

    def table(self) -> str:
        """Return one line for each, in the order of the names."""
        return "\n".join(f"{self[what]:>11,}  {what}" for what in sorted(self))
