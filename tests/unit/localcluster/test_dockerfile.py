"""What a target of a Dockerfile is made of."""

from pathlib import Path

import pytest

from localcluster.dockerfile import context_paths

SAMPLE = """\
# COPY commented out
ARG BASE=some/image
FROM ${BASE} AS builder
RUN echo hello && \\
    COPY not an instruction

FROM builder as left
copy --chown=1:1 one two \\
  three /there/
FROM builder AS right
COPY four /there
FROM scratch AS both
COPY --from=left /there /there
COPY --from=right /there /there
FROM both AS final
COPY --from=registry/image /x /x
COPY five /there
FROM scratch
COPY six /there
"""


@pytest.mark.parametrize(
    ("target", "paths"),
    [
        ("builder", set()),
        ("left", {"one", "two", "three"}),
        ("right", {"four"}),
        ("both", {"one", "two", "three", "four"}),
        ("final", {"one", "two", "three", "four", "five"}),
    ],
)
def test_a_target_is_made_of_what_it_and_its_stages_copy(target: str, paths: set[str]) -> None:
    assert context_paths(SAMPLE, target) == paths


def test_a_target_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        context_paths(SAMPLE, "absent")


@pytest.mark.parametrize(
    ("target", "paths"),
    [
        ("operator", {"operator/symbol_operator", "crds/tradingsymbol_api"}),
        ("trader", {"trader_image/symbol_trader", "crds/tradingsymbol_api"}),
        ("paper-exchange", {"trader_image/paper_exchange"}),
    ],
)
def test_an_image_holds_its_program_its_packages_and_nothing_else(
    project: Path, target: str, paths: set[str]
) -> None:
    text = (project / "Dockerfile").read_text()
    assert context_paths(text, target) == paths | {f"requirements/{target}.txt"}
