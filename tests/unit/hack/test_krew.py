"""The manifest for all machines, and what goes where in an archive."""

from pathlib import Path

from krew.archive import pack, share
from krew.manifest import manifest
from krew.platforms import PLATFORMS


def test_each_machine_has_an_archive_of_its_own() -> None:
    made = manifest("0.1.0", "https://example.com", {each: str(each) for each in PLATFORMS})
    entries = made["spec"]["platforms"]
    assert [entry["sha256"] for entry in entries] == [
        *("linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"),
    ]
    assert len({entry["uri"] for entry in entries}) == len(PLATFORMS)
    assert all(
        f"{labels['os']}-{labels['arch']}" in entry["uri"]
        for entry in entries
        if (labels := entry["selector"]["matchLabels"])
    )


def test_what_is_compiled_is_kept_for_each_python(tmp_path: Path) -> None:
    for python in ("3.11", "3.12"):
        folder = tmp_path / python
        (folder / "core").mkdir(parents=True)
        (folder / "core" / "core.so").write_text(python)
        (folder / "fast.so").write_text(python)
        (folder / "pure").mkdir()
        (folder / "pure" / "__init__.py").write_text("")
        (folder / "single.py").write_text("")
    root = tmp_path / "root"
    share({python: tmp_path / python for python in ("3.11", "3.12")}, root)
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert files == [
        "lib-3.11/core/core.so",
        "lib-3.11/fast.so",
        "lib-3.12/core/core.so",
        "lib-3.12/fast.so",
        "lib/pure/__init__.py",
        "lib/single.py",
    ]


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        (root / "b").write_text("b")
        (root / "a").write_text("a")
        (root / "a").chmod(0o755 if name == "one" else 0o700)
        pack(root, tmp_path / f"{name}.tar.gz")
        made.append((tmp_path / f"{name}.tar.gz").read_bytes())
    assert made[0] == made[1]
