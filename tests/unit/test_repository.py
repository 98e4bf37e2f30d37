"""The files that GitHub and pre-commit read."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
GITHUB = PROJECT / ".github"
WORKFLOW = GITHUB / "workflows" / "ci.yml"
TEMPLATES = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(path: Path) -> dict[str, Any]:
    # All scalars are texts: YAML 1.1 would take the key `on` for a boolean.
    document: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
    return document


def test_ci_runs_what_a_person_runs_and_ends() -> None:
    workflow = read(WORKFLOW)
    (job,) = workflow["jobs"].values()
    steps = job["steps"]
    assert steps[-1]["run"] == ".ci/run"
    assert int(steps[-1]["timeout-minutes"]) < int(job["timeout-minutes"])
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111


def test_ci_may_read_and_nothing_else() -> None:
    workflow = read(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request" in workflow["on"]
    assert "pull_request_target" not in workflow["on"]


def test_actions_are_pinned_by_commit_with_their_version() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW.read_text("utf-8"))
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_a_form_that_github_reads(path: Path) -> None:
    template = read(path)
    if path.name == "config.yml":
        return
    assert {"name", "description", "body"} <= set(template)
    fields = [item for item in template["body"] if item["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)


def test_who_reports_something_is_asked_for_what_tells_most() -> None:
    text = (GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8")
    for command in ("symbol-trader audit", "kubectl trading audit", "kubectl trading status"):
        assert command in text


def test_hooks_use_the_tools_of_the_lock() -> None:
    hooks = [
        (repository["repo"], hook)
        for repository in read(PROJECT / ".pre-commit-config.yaml")["repos"]
        for hook in repository["hooks"]
    ]
    assert {repository for repository, _ in hooks} == {"local"}
    programs = {hook["entry"].split()[0] for _, hook in hooks}
    assert programs == {".venv/bin/ruff", "git", "make"}
