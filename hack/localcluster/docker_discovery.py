"""Finding a Docker on this machine, or bringing one up."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster import machine
from localcluster.docker import Docker
from localcluster.docker_choice import Choice, Facts, advice, choose
from localcluster.engine import Engine
from localcluster.failure import LocalClusterError

if TYPE_CHECKING:
    from localcluster.console import Console
    from localcluster.folders import Folders

ENGINE_PACKAGES = ("docker.io", "debootstrap")
"""Debian packages: an engine, and what images are made of where no registry is reached."""


@dataclass(frozen=True, slots=True)
class Finder:
    """Knows the two Dockers that may be there: the user's, and the own engine."""

    folders: Folders
    console: Console

    @property
    def given(self) -> Docker:
        """What the user's settings lead to."""
        return Docker(os.environ.get("DOCKER_HOST"))

    @property
    def engine(self) -> Engine:
        """The own engine."""
        return Engine(self.folders.engine, self.folders.node_recipe / "runc-bounded")

    def find_or_start(self, preferred: str | None = None) -> Docker:
        """Return a Docker that answers; raises LocalClusterError saying what to install.

        `preferred` is the DOCKER_HOST that a cluster of this clone lives in already.
        """
        if preferred == self.engine.docker.host:
            self.engine.start(self.console)
        if preferred is not None and Docker(preferred).answers():
            return Docker(preferred)
        facts = self._facts()
        choice = choose(facts)
        if choice is Choice.INSTALL:
            machine.install_packages(ENGINE_PACKAGES, self.console)
            facts = self._facts()  # on a machine with systemd, Debian's package starts its engine
            choice = choose(facts)
        match choice:
            case Choice.USE_GIVEN:
                return self.given
            case Choice.USE_OWN:
                return self.engine.docker
            case Choice.START_OWN:
                self.engine.start(self.console)
                return self.engine.docker
            case _:
                raise LocalClusterError(advice(facts))

    def answering(self) -> list[Docker]:
        """Return the Dockers that answer now; none is started."""
        known = {each.host: each for each in (self.given, self.engine.docker)}
        return [each for each in known.values() if each.answers()]

    def _facts(self) -> Facts:
        return Facts(
            given_answers=self.given.answers(),
            own_answers=self.engine.answers(),
            engine_installed=all(map(shutil.which, ("docker", "dockerd"))),
            linux=machine.is_linux(),
            root=machine.is_root(),
            apt=machine.has_apt(),
        )
