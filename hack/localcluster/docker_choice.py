"""Which Docker is used: decided from facts alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Choice(enum.Enum):
    """What to do about Docker."""

    USE_GIVEN = "use the Docker that answers"
    USE_OWN = "use the own engine, which runs already"
    START_OWN = "start an own engine"
    INSTALL = "install an engine, then look again"
    EXPLAIN = "say what to install"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is found on this machine."""

    given_answers: bool
    """A Docker answers to the user's own settings."""
    own_answers: bool
    """The engine that this project started earlier answers."""
    engine_installed: bool
    """`docker` and `dockerd` are on PATH."""
    linux: bool
    root: bool
    apt: bool
    """Packages are installed with apt-get: Debian and its derivatives."""


def choose(facts: Facts) -> Choice:
    """Take a Docker that answers as it is; an own engine is only for where there is none."""
    if facts.given_answers:
        return Choice.USE_GIVEN
    if facts.own_answers:
        return Choice.USE_OWN
    if not (facts.linux and facts.root):
        return Choice.EXPLAIN
    if facts.engine_installed:
        return Choice.START_OWN
    return Choice.INSTALL if facts.apt else Choice.EXPLAIN


def advice(facts: Facts) -> str:
    """Tell a person whose machine has no Docker what to do."""
    if not facts.linux:
        return (
            "No Docker answers. Install Docker Desktop (https://docs.docker.com/desktop/) or an "
            "equivalent, start it, and run this again."
        )
    if facts.engine_installed and not facts.root:
        return (
            "No Docker answers to this user. Start it (`sudo systemctl start docker`) and let "
            "this user reach it (`sudo usermod -aG docker $USER`, then log in again); or run "
            "this as root: it then starts an engine of its own, which ends with `down`."
        )
    if facts.apt:
        return (
            "No Docker is installed. `sudo apt-get install docker.io`, start it and let this "
            "user reach it; or run this as root: it then installs and starts an engine itself."
        )
    return (
        "No Docker is installed. Install Docker Engine (https://docs.docker.com/engine/install/), "
        "start it, and run this again."
    )
