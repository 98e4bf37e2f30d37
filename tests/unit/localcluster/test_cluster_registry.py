"""Whose cluster is whose."""

from itertools import product
from pathlib import Path

import pytest

from localcluster.cluster_registry import ClusterRegistry, Situation, Verdict, judge

HERE = "/clone/here"
ELSEWHERE = "/clone/elsewhere"


@pytest.mark.parametrize(
    ("situation", "verdict"),
    [
        (Situation(True, HERE, True, True), Verdict.REUSE),
        (Situation(True, HERE, True, False), Verdict.REPLACE),
        (Situation(True, ELSEWHERE, True, False), Verdict.REFUSE_OTHER_CLONE),
        (Situation(True, ELSEWHERE, False, False), Verdict.REPLACE),
        (Situation(True, None, False, False), Verdict.REFUSE_STRANGER),
    ],
)
def test_only_what_nobody_else_uses_is_touched(situation: Situation, verdict: Verdict) -> None:
    assert judge(situation, HERE) is verdict


@pytest.mark.parametrize("owner", [None, HERE, ELSEWHERE])
def test_a_name_without_containers_is_free(owner: str | None) -> None:
    for keeps, complete in product((False, True), repeat=2):
        assert judge(Situation(False, owner, keeps, complete), HERE) is Verdict.CREATE


def test_a_claim_is_remembered_until_it_is_released(tmp_path: Path) -> None:
    registry = ClusterRegistry(tmp_path / "clusters")
    assert registry.owner("trading") is None
    registry.claim("trading", HERE)
    registry.claim("other", ELSEWHERE)
    assert registry.owner("trading") == HERE
    registry.release("trading")
    registry.release("trading")
    assert registry.owner("trading") is None
    assert registry.owner("other") == ELSEWHERE
