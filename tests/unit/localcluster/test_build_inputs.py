"""The hash that images are tagged with."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcluster.build_inputs import HASH_LENGTH, content_hash, files_below

CONTENTS = st.dictionaries(st.text(max_size=8), st.binary(max_size=8), max_size=4)


@given(CONTENTS)
def test_the_order_of_files_does_not_matter(contents: dict[str, bytes]) -> None:
    turned = dict(reversed(contents.items()))
    assert content_hash(turned) == content_hash(contents)


@given(CONTENTS, CONTENTS)
def test_different_contents_have_different_tags(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    assert (content_hash(one) == content_hash(other)) == (one == other)


def test_a_tag_is_short_and_legal_in_an_image_reference() -> None:
    tag = content_hash({"a": b"b"})
    assert len(tag) == HASH_LENGTH
    assert set(tag) <= set("0123456789abcdef")


def test_where_one_file_ends_and_the_next_begins_matters() -> None:
    assert content_hash({"a": b"b", "c": b"d"}) != content_hash({"a": b"bc", "": b"d"})
    assert content_hash({"ab": b"c"}) != content_hash({"a": b"bc"})


def test_files_are_found_below_folders_and_by_name(tmp_path: Path) -> None:
    (tmp_path / "package" / "part").mkdir(parents=True)
    (tmp_path / "package" / "part" / "a.py").write_bytes(b"a")
    (tmp_path / "b.txt").write_bytes(b"b")
    (tmp_path / "c.txt").write_bytes(b"c")
    found = files_below(tmp_path, ["package", "b.txt"])
    assert found == {"package/part/a.py": b"a", "b.txt": b"b"}


def test_what_a_run_leaves_behind_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"a")
    assert files_below(tmp_path, ["."]) == {}


def test_an_executable_file_is_another_input(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"")
    before = content_hash(files_below(tmp_path, ["."]))
    script.chmod(0o755)
    assert content_hash(files_below(tmp_path, ["."])) != before


def test_a_missing_input_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files_below(tmp_path, ["absent"])
