"""The docker command line client, pointed at one engine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcluster import processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcluster.console import Console
    from localcluster.processes import Result

ANSWER_SECONDS = 10.0
"""An engine that says nothing for this long is taken for absent."""
REGISTRY_SECONDS = 20.0
"""A registry that has not begun to answer within this time is taken for out of reach."""


@dataclass(frozen=True, slots=True)
class Docker:
    """An engine, and how to speak to it."""

    host: str | None = None
    """DOCKER_HOST; None leaves the choice to the user's own settings."""
    environment: Mapping[str, str] = field(init=False, default_factory=dict)
    """What every program that speaks to this engine needs in its environment."""

    def __post_init__(self) -> None:
        if self.host is not None:
            object.__setattr__(self, "environment", {"DOCKER_HOST": self.host})

    def capture(self, *arguments: str, timeout: float | None = None) -> Result:
        """Run `docker ARGUMENTS` and keep what it said."""
        return processes.capture(["docker", *arguments], env=self.environment, timeout=timeout)

    def check(self, *arguments: str, stdin: str | None = None) -> str:
        """Run `docker ARGUMENTS`; raises LocalClusterError if it fails."""
        return processes.check(["docker", *arguments], env=self.environment, stdin=stdin)

    def build(self, console: Console, *arguments: str) -> None:
        """Run `docker build ARGUMENTS`, with BuildKit where there is one.

        Attestations are left out: they would make an index of an image, for nothing here. Raises
        LocalClusterError with the end of what was said if it fails.
        """
        if self.capture("buildx", "version").ok:
            argv, settings = ["build", "--load"], {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        else:
            argv, settings = ["build", "--force-rm"], {"DOCKER_BUILDKIT": "0"}
        env = {**self.environment, **settings}
        command = ["docker", *argv, *arguments]
        processes.stream(command, console, env=env, shown=lambda line: False)  # noqa: ARG005 - every line is hidden

    def answers(self) -> bool:
        """Return whether an engine is there."""
        argv = ("version", "--format", "{{.Server.Version}}")
        return self.capture(*argv, timeout=ANSWER_SECONDS).ok

    def has_image(self, reference: str) -> bool:
        """Return whether the engine holds this image."""
        return self.capture("image", "inspect", reference).ok

    def tags(self, repository: str) -> list[str]:
        """All tags of a repository that the engine holds, the newest first."""
        out = self.check("images", repository, "--format", "{{.Tag}}")
        return [tag for tag in out.split() if tag != "<none>"]

    def drop_old(self, reference: str, kept: int) -> None:
        """Keep an image and the newest others of its repository, `kept` in all; remove the rest.

        One that was built just now may be the oldest: from cached layers it is as old as they are.
        What a container uses stays.
        """
        repository, _, own = reference.rpartition(":")
        others = [tag for tag in self.tags(repository) if tag != own]
        for tag in others[kept - 1 :]:
            self.capture("rmi", f"{repository}:{tag}")

    def containers(self, *filters: str) -> dict[str, str]:
        """Name and state (`running`, `paused`, `exited`, ...) of all containers that match."""
        options = [part for item in filters for part in ("--filter", item)]
        out = self.check("ps", "--all", *options, "--format", "{{json .}}")
        rows = [json.loads(line) for line in out.splitlines()]
        return {row["Names"]: row["State"] for row in rows}

    def pull(self, reference: str, console: Console) -> bool:
        """Fetch an image; False where no registry answers or it refuses."""
        console.say(f"looking for {reference} in its registry")
        running = processes.Running(["docker", "pull", reference], self.environment)
        wait = REGISTRY_SECONDS
        while True:
            try:
                line = running.line(wait)
            except TimeoutError:
                if wait == REGISTRY_SECONDS:
                    running.end()
                    console.say(f"  no answer within {REGISTRY_SECONDS:.0f} s")
                    return False
                console.say("  still fetching it")
                continue
            if line is None:
                break
            wait = processes.HEARTBEAT_SECONDS
        result = running.finish()
        console.say("  fetched" if result.ok else f"  not to be had: {result.out.strip()}")
        return result.ok
