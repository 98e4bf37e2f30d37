"""Which Docker is used."""

from dataclasses import replace

import pytest

from localcluster.docker_choice import Choice, Facts, advice, choose

NOTHING = Facts(
    given_answers=False,
    own_answers=False,
    engine_installed=False,
    linux=True,
    root=True,
    apt=True,
)


@pytest.mark.parametrize(
    ("facts", "choice"),
    [
        (replace(NOTHING, given_answers=True), Choice.USE_GIVEN),
        (replace(NOTHING, given_answers=True, own_answers=True), Choice.USE_GIVEN),
        (replace(NOTHING, given_answers=True, linux=False, root=False), Choice.USE_GIVEN),
        (replace(NOTHING, own_answers=True), Choice.USE_OWN),
        (replace(NOTHING, own_answers=True, root=False), Choice.USE_OWN),
        (replace(NOTHING, engine_installed=True), Choice.START_OWN),
        (replace(NOTHING, engine_installed=True, apt=False), Choice.START_OWN),
        (NOTHING, Choice.INSTALL),
        (replace(NOTHING, apt=False), Choice.EXPLAIN),
        (replace(NOTHING, root=False), Choice.EXPLAIN),
        (replace(NOTHING, engine_installed=True, root=False), Choice.EXPLAIN),
        (replace(NOTHING, linux=False), Choice.EXPLAIN),
    ],
)
def test_a_docker_that_answers_comes_first_and_an_own_engine_last(
    facts: Facts, choice: Choice
) -> None:
    assert choose(facts) is choice


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(NOTHING, linux=False), "Docker Desktop"),
        (replace(NOTHING, engine_installed=True, root=False), "systemctl start docker"),
        (replace(NOTHING, root=False), "apt-get install docker.io"),
        (replace(NOTHING, root=False, apt=False), "docs.docker.com/engine/install"),
    ],
)
def test_the_advice_is_for_this_machine(facts: Facts, said: str) -> None:
    assert said in advice(facts)
