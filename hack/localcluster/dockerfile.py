"""What a Dockerfile's targets are made of, read from the Dockerfile itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTINUED = re.compile(r"\\\n")
_FROM_STAGE = re.compile(r"--from=(\S+)")


@dataclass(slots=True)
class _Stage:
    """One FROM and what follows it."""

    builds_on: set[str]
    copies: set[str] = field(default_factory=set)


def context_paths(dockerfile: str, target: str) -> frozenset[str]:
    """Find the context paths that a target copies, through all stages that it draws on.

    Raises KeyError where the Dockerfile has no such target.
    """
    stages = _stages(dockerfile)
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [target]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        found |= stages[name].copies
        waiting += [base for base in stages[name].builds_on if base in stages]
    return frozenset(found)


def _stages(dockerfile: str) -> dict[str, _Stage]:
    stages: dict[str, _Stage] = {}
    stage = _Stage(set())
    for words in _instructions(dockerfile):
        match words:
            case ["FROM", base, "AS", name]:
                stage = stages[name] = _Stage({base})
            case ["FROM", base]:
                stage = stages[str(len(stages))] = _Stage({base})
            case ["COPY" | "ADD", *rest]:
                _copy(stage, rest)
    return stages


def _copy(stage: _Stage, words: list[str]) -> None:
    options = [word for word in words if word.startswith("--")]
    sources = [word for word in words if not word.startswith("--")][:-1]
    drawn = [match[1] for match in map(_FROM_STAGE.match, options) if match]
    if drawn:
        stage.builds_on.update(drawn)
    else:
        stage.copies.update(sources)


def _instructions(dockerfile: str) -> Iterator[list[str]]:
    for line in _CONTINUED.sub(" ", dockerfile).splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            words[0] = words[0].upper()
            if words[0] == "FROM" and len(words) > 2:  # noqa: PLR2004 - FROM base as name
                words[2] = words[2].upper()
            yield words
