"""Remove each guard in a copy of the tree and demand that its test fails: `make mutants`."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from mutants.patch import DoesNotApply, Mutant
from mutants.trial import Failed, Passed, Verdict, run_test

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent / "patches"
PARTS = ("crds", "operator", "trader_image", "tests", "hack", "manifests")
LITTER = shutil.ignore_patterns("__pycache__", ".hypothesis", "node_modules")


def load() -> list[Mutant]:
    """Read all patches, by name."""
    return [Mutant.parse(path.stem, path.read_text()) for path in sorted(PATCHES.glob("*.patch"))]


def mutate(mutant: Mutant, root: Path) -> dict[str, str]:
    """Return the files that a patch changes, changed. Raises `DoesNotApply`."""
    there = [path for path in mutant.paths if (root / path).is_file()]
    return mutant.apply({path: (root / path).read_text() for path in there})


def main() -> int:
    """Try the mutants and print a table; the status is 1 unless each is killed for its reason."""
    parser = argparse.ArgumentParser(prog="mutants", description=main.__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name contains this")
    chosen = [mutant for mutant in load() if parser.parse_args().only in mutant.name]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        clean, copy = Path(folder, "clean"), Path(folder, "mutated")
        _copy(ROOT, clean)
        # Several mutants may name one test: without them it has one verdict.
        unharmed = cache(partial(run_test, clean))
        rows = [
            _try(mutant, clean, copy, unharmed, f"{n}/{len(chosen)}")
            for n, mutant in enumerate(chosen, 1)
        ]
    print(_table(rows))
    killed = sum(row[-2] == "yes" for row in rows)
    print(f"{killed} of {len(rows)} mutants killed")
    return 0 if rows and killed == len(rows) else 1


def _try(
    mutant: Mutant, clean: Path, copy: Path, unharmed: Callable[[str], Verdict], progress: str
) -> tuple[str, ...]:
    print(f"[{progress}] {mutant.name}: ", end="", flush=True)
    began = time.monotonic()
    killed = _killed(mutant, clean, copy, unharmed)
    seconds = f"{time.monotonic() - began:.1f}"
    print(killed, f"({seconds} s)", flush=True)
    test = mutant.test.removeprefix("tests/")
    return mutant.name, mutant.guard, test, killed.partition(":")[0], seconds


def _killed(mutant: Mutant, clean: Path, copy: Path, unharmed: Callable[[str], Verdict]) -> str:
    """Say whether the test fails with the patch, for the reason given, and passes without it."""
    try:
        files = mutate(mutant, clean)
    except DoesNotApply as exc:
        return f"NO PATCH: {exc}"
    shutil.rmtree(copy, ignore_errors=True)
    _copy(clean, copy)
    for path, text in files.items():
        (copy / path).write_text(text)
    return _verdict(unharmed(mutant.test), run_test(copy, mutant.test), mutant.fails)


def _verdict(before: Verdict, after: Verdict, reason: str) -> str:
    if not isinstance(before, Passed):
        return f"BROKEN: without the patch: {before}"
    if isinstance(after, Passed):
        return "NO: it survives"
    if isinstance(after, Failed) and after.because(reason):
        return "yes"
    return f"WRONG REASON: {after}"


def _copy(source: Path, target: Path) -> None:
    for part in PARTS:
        shutil.copytree(source / part, target / part, ignore=LITTER)
    shutil.copy(source / "pyproject.toml", target)


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = [("mutant", "guard", "test", "killed", "seconds"), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
