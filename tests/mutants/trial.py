"""One run of one test in a copy of the tree, and what it says."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

TEST_S_MAX = 240
SOURCES = ("crds", "operator", "trader_image", "tests", "hack")


@dataclass(frozen=True, slots=True)
class Passed:
    """The test passed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The test's own body failed; `text` is what it said."""

    text: str

    def because(self, reason: str) -> bool:
        """Return whether the failure says so."""
        return re.search(reason, self.text) is not None


@dataclass(frozen=True, slots=True)
class Broken:
    """The test did not come to a verdict: not found, not importable, an error around it."""

    text: str


Verdict = Passed | Failed | Broken


def run_test(tree: Path, test: str) -> Verdict:
    """Run a test of a tree with that tree's own programs."""
    report = tree / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    path = os.pathsep.join(str(tree / source) for source in SOURCES)
    try:
        ran = subprocess.run(
            [*command, f"--junitxml={report}"],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=TEST_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Broken(f"no end within {TEST_S_MAX} s")
    if not report.exists():
        return Broken(ran.stdout[-2000:] + ran.stderr[-2000:])
    return verdict(report.read_text())


def verdict(report: str) -> Verdict:
    """Read pytest's JUnit report: a failure is the test's own, an error is not."""
    cases = list(ET.fromstring(report).iter("testcase"))
    errors = [_said(error) for case in cases for error in case.iter("error")]
    failures = [_said(failure) for case in cases for failure in case.iter("failure")]
    skipped = [_said(skip) for case in cases for skip in case.iter("skipped")]
    if errors or skipped or not cases:
        return Broken("\n".join((*errors, *skipped)) or "no test ran")
    return Failed("\n".join(failures)) if failures else Passed()


def _said(element: ET.Element) -> str:
    return f"{element.get('message', '')}\n{element.text or ''}"
