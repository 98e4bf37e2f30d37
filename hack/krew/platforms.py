"""The machines and Pythons that there are archives for."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Platform:
    """A machine as krew names it, and as wheels do."""

    system: str
    machine: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.system}-{self.machine}"


def _linux(machine: str, wheels: str) -> Platform:
    glibc = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")
    return Platform("linux", machine, tuple(f"{tag}_{wheels}" for tag in glibc))


PLATFORMS: Final = (
    _linux("amd64", "x86_64"),
    _linux("arm64", "aarch64"),
    Platform("darwin", "amd64", ("macosx_11_0_x86_64",)),
    Platform("darwin", "arm64", ("macosx_11_0_arm64",)),
)
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
