"""The images of this project: built when their sources change, found when they did not."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster import build_inputs, debian, dockerfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcluster.console import Console
    from localcluster.docker import Docker
    from localcluster.folders import Folders

KEPT_TAGS = 5
"""So many builds of an image are kept; older ones are dropped."""

PASSED_ON = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
"""Variables that, where set, tell pip in the builder stages where packages come from."""


@dataclass(frozen=True, slots=True)
class Base:
    """What an image is built on: an ordinary image, or one of Debian's packages instead."""

    ordinary: str
    own: debian.DebianRoot

    def find_or_make(self, docker: Docker, cache: Path, console: Console) -> tuple[str, bool]:
        """Return a base that the engine holds, and whether it is of our own making."""
        if docker.has_image(self.ordinary):
            return self.ordinary, False
        if docker.has_image(self.own.reference()):
            return self.own.reference(), True
        if docker.pull(self.ordinary, console):
            return self.ordinary, False
        return self.own.make(docker, cache, console), True


PYTHON = Base(
    ordinary="python:3.11-slim-bookworm",
    own=debian.DebianRoot(
        repository="trading-python-base",
        packages=("python3", "python3-venv", "ca-certificates"),
        trusts_as_this_machine=True,
    ),
)
POSTGRES = Base(
    ordinary="postgres:15-bookworm",
    own=debian.DebianRoot(
        repository="trading-postgres-base",
        packages=("postgresql-15",),
        # The just-in-time compiler is optional, and larger than all the rest together; Perl
        # serves Debian's tools for several clusters on one machine.
        left_out=(
            "usr/lib/*/libLLVM*",
            "usr/lib/*/libz3*",
            "usr/lib/*/perl",
            "usr/lib/postgresql/15/lib/bitcode",
            "usr/lib/postgresql/15/lib/llvmjit*",
            "usr/share/perl",
            "etc/postgresql/15",
            "var/lib/postgresql/15",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the project."""

    name: str
    """As the manifests name it, without a tag."""
    repository: str
    """As it is called in the local engine and on the nodes."""
    base: Base
    folder: str
    """The build context, from the project's root; it holds the Dockerfile."""
    target: str
    target_on_own_base: str
    """Which of the Dockerfile's targets to build on a base of our own making."""


def _program(name: str, target: str) -> Image:
    return Image(name, name, PYTHON, ".", target, target)


IMAGES = (
    _program("symbol-operator", "operator"),
    _program("symbol-trader", "trader"),
    _program("paper-exchange", "paper-exchange"),
    Image(
        name="postgres",
        repository="trading-postgres",
        base=POSTGRES,
        folder="hack/offline/postgres",
        target="official",
        target_on_own_base="debian",
    ),
)


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds images in one engine."""

    docker: Docker
    folders: Folders
    console: Console

    def build(self) -> dict[str, str]:
        """Build what is missing; the name in the manifests and the reference of each image."""
        bases: dict[Base, tuple[str, bool]] = {}
        references = {}
        for image in IMAGES:
            if image.base not in bases:
                bases[image.base] = image.base.find_or_make(
                    self.docker, self.folders.cache, self.console
                )
            references[image.name] = self._find_or_build(image, *bases[image.base])
        return references

    def _find_or_build(self, image: Image, base: str, own: bool) -> str:
        context = self.folders.project / image.folder
        target = image.target_on_own_base if own else image.target
        reference = f"{image.repository}:{tag(context, target, base)}"
        if not self.docker.has_image(reference):
            with self.console.step(f"building {reference}"):
                pip_cert = own and image.base.own.trusts_as_this_machine
                arguments = build_arguments(os.environ, base, pip_cert=pip_cert)
                options = ["--target", target, "--tag", reference, *arguments]
                self.docker.build(self.console, *options, str(context))
            self.docker.drop_old(reference, KEPT_TAGS)
        return reference


def tag(context: Path, target: str, base: str) -> str:
    """Hash all that an image is made of."""
    text = (context / "Dockerfile").read_text()
    paths = ["Dockerfile", *dockerfile.context_paths(text, target)]
    return build_inputs.content_hash(
        {**build_inputs.files_below(context, paths), "": f"{target} {base}".encode()}
    )


def build_arguments(environ: Mapping[str, str], base: str, *, pip_cert: bool) -> list[str]:
    """Options for `docker build`; values of the environment are named, not spelt out."""
    passed = [name for name in PASSED_ON if environ.get(name)]
    arguments = [f"BASE={base}", *passed]
    if pip_cert:
        arguments.append(f"PIP_CERT=/{debian.CA_BUNDLE}")
    return [part for argument in arguments for part in ("--build-arg", argument)]
