"""What the machine is asked and what is set on it."""

import io
from pathlib import Path

from localcluster.console import Console
from localcluster.machine import CAP_SYS_RESOURCE, holds_capability, raise_inotify_limits


def test_a_capability_is_read_from_the_bounding_set() -> None:
    status = "Name:\tpython\nCapEff:\t000001ffffffffff\nCapBnd:\t{}\n"
    assert holds_capability(status.format("000001ffffffffff"), CAP_SYS_RESOURCE)
    assert not holds_capability(status.format("000001fffeffffff"), CAP_SYS_RESOURCE)


def test_limits_are_raised_only_where_they_are_lower_and_it_says_so(tmp_path: Path) -> None:
    limits = tmp_path / "fs" / "inotify"
    limits.mkdir(parents=True)
    (limits / "max_user_instances").write_text("128\n")
    (limits / "max_user_watches").write_text("1048576\n")
    out = io.StringIO()
    raise_inotify_limits(Console(out), tmp_path)
    assert (limits / "max_user_instances").read_text() == "1024"
    assert (limits / "max_user_watches").read_text() == "1048576\n"
    assert "fs.inotify.max_user_instances=1024" in out.getvalue()
    assert "max_user_watches" not in out.getvalue()


def test_a_limit_that_is_not_ours_to_raise_is_named_with_its_command(tmp_path: Path) -> None:
    limits = tmp_path / "fs" / "inotify"
    limits.mkdir(parents=True)
    limit = limits / "max_user_watches"
    limit.symlink_to("/proc/version")  # may be read by everyone, written by nobody
    out = io.StringIO()
    limits.joinpath("max_user_instances").write_text("4096")

    class OneNumber(type(tmp_path)):  # type: ignore[misc]  # the class of this system's paths
        def read_text(self) -> str:
            return "1"

    raise_inotify_limits(Console(out), OneNumber(tmp_path))
    assert "sudo sysctl -w fs.inotify.max_user_watches=524288" in out.getvalue()
