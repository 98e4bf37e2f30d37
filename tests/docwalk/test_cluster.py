"""When blocks for the cluster are run, and with what. `tests/kind/test_docs.py` runs them."""

import os
from pathlib import Path

import pytest

from docwalk.cluster import DEMONSTRATION, blocks, environment, find_cluster
from docwalk.pages import read_page
from docwalk.workplace import Workplace
from localcluster import record
from localcluster.folders import Folders
from localcluster.record import Record

RECORD = Record("trading-ci", "unix:///docker.sock", "node:1", complete=True)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Return the folders of a clone whose cluster answers."""
    folders = Folders(tmp_path / "clone", tmp_path / "cache")
    folders.tools.mkdir(parents=True)
    folders.image_references.write_text("{}")
    record.write(folders.state, RECORD)
    answer(folders, 0)
    return folders


def answer(folders: Folders, code: int) -> None:
    """Put a kubectl there that ends with this code."""
    program = folders.tools / "kubectl"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)


def test_a_cluster_that_answers_is_found(folders: Folders) -> None:
    assert find_cluster(folders) == RECORD


def test_one_that_is_away_or_half_made_or_has_no_images_is_not(folders: Folders) -> None:
    answer(folders, 1)
    assert find_cluster(folders) is None
    answer(folders, 0)
    folders.image_references.unlink()
    assert find_cluster(folders) is None
    record.forget(folders.state)
    assert find_cluster(folders) is None


def test_kubectl_means_the_local_cluster(folders: Folders, tmp_path: Path) -> None:
    found = environment(Workplace(tmp_path), RECORD, folders)
    assert found["PATH"].split(os.pathsep)[0] == str(folders.tools)
    assert found["KUBECONFIG"] == str(folders.kubeconfig)
    assert found["DOCKER_HOST"] == RECORD.docker_host
    assert found["TRADING_CLUSTER"] == RECORD.name


def test_a_page_begins_with_the_demonstration_if_it_uses_the_cluster() -> None:
    uses = read_page("a.md", "```sh cluster\nkubectl get tsym\n```\n")
    assert [block.text for block in blocks(uses)] == [DEMONSTRATION.text, "kubectl get tsym\n"]
    assert blocks(read_page("a.md", "```sh\nmake\n```\n")) == []
