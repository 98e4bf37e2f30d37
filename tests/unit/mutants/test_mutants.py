"""Every mutant still fits the tree, and a patch that does not is told by its name."""

import re

import pytest

from mutants.__main__ import PATCHES, ROOT, load, mutate
from mutants.patch import DoesNotApply, Mutant
from mutants.trial import Broken, Failed, Passed, verdict

PATCH = """\
Guard: the door is locked
Test: tests/test_door.py::test_locked
Fails: assert

--- a/door.py
+++ b/door.py
@@ -7,3 +7,2 @@
 def leave() -> None:
-    lock()
     go()
"""
DOOR = "def leave() -> None:\n    lock()\n    go()\n"


def test_a_patch_removes_what_it_names_wherever_that_stands() -> None:
    mutant = Mutant.parse("door", PATCH)
    assert (mutant.guard, mutant.fails) == ("the door is locked", "assert")
    changed = mutant.apply({"door.py": "import lock\n" + DOOR})
    assert changed == {"door.py": "import lock\ndef leave() -> None:\n    go()\n"}


@pytest.mark.parametrize("text", ["", DOOR * 2], ids=["not there", "there twice"])
def test_a_patch_that_does_not_apply_is_told_by_name_and_file(text: str) -> None:
    with pytest.raises(DoesNotApply, match=r"door: door\.py has these lines [02] times"):
        Mutant.parse("door", PATCH).apply({"door.py": text})


def test_a_patch_of_a_file_that_is_gone_does_not_apply() -> None:
    with pytest.raises(DoesNotApply, match="0 times"):
        Mutant.parse("door", PATCH).apply({})


@pytest.mark.parametrize("missing", ["Guard", "Test", "Fails", "@@ "])
def test_a_patch_without_one_of_its_parts_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match="door"):
        Mutant.parse("door", re.sub(f"^{missing}.*\n", "", PATCH, flags=re.MULTILINE))


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_tree_and_names_a_test_that_exists(mutant: Mutant) -> None:
    mutate(mutant, ROOT)
    path, _, test = mutant.test.partition("::")
    assert f"def {test.partition('[')[0]}(" in (ROOT / path).read_text()


def test_there_are_mutants() -> None:
    assert len(load()) == len(list(PATCHES.iterdir())) > 0


def test_a_verdict_tells_a_failure_of_the_test_from_an_error_around_it() -> None:
    assert verdict(_report("")) == Passed()
    assert verdict(_report('<failure message="assert 1 == 2">line</failure>')) == Failed(
        "assert 1 == 2\nline"
    )
    for other in ('<error message="import">x</error>', '<skipped message="no">x</skipped>'):
        assert isinstance(verdict(_report(other)), Broken)
    assert verdict("<testsuites/>") == Broken("no test ran")


def _report(inside: str) -> str:
    return f"<testsuites><testsuite><testcase>{inside}</testcase></testsuite></testsuites>"
