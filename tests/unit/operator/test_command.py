"""The command line: mistakes are told in a sentence, before anything is touched."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from symbol_operator.__main__ import main

pytestmark = pytest.mark.usefixtures("own_logging")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "SYMBOL_OPERATOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_help_names_every_option() -> None:
    text = CliRunner().invoke(main, ["run", "--help"]).output

    for option in ("--config", "--kubeconfig", "--namespace", "--leader-image", "--log-format"):
        assert option in text


def test_an_unusable_configuration_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--config", str(tmp_path / "absent.yaml")])

    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot read")


def test_without_a_cluster_it_says_so() -> None:
    options = ["run", "--namespace", "trading", "--leader-image", "symbol-trader:1"]

    result = CliRunner().invoke(main, [*options, "--log-format", "json", "--verbose"])

    assert result.exit_code == 1
    assert "no cluster to connect to" in result.output
