"""The reference pages name all that can be set and all that is measured, and nothing else."""

import re
from collections.abc import Iterable
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from paper_exchange.shell.cli import serve
from symbol_operator.__main__ import run as operate
from symbol_operator.runtime.metrics import Metrics as OperatorMetrics
from symbol_operator.settings import (
    ExchangeEntry,
    LeaderSettings,
    OperatorSettings,
    parse_settings,
)
from symbol_trader.__main__ import main as trader
from symbol_trader.runtime.metrics import Metrics as LeaderMetrics
from tradingsymbol_api.conditions import ConditionType
from tradingsymbol_api.limit import TradingLimitSpec, TradingLimitStatus
from tradingsymbol_api.model import ApiModel
from tradingsymbol_api.spec import ShutdownPolicy, TradingSymbolSpec
from tradingsymbol_api.status import TradingSymbolStatus

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = DOCS / "reference"


def rows(page: str, heading: str) -> set[str]:
    """Return what the first column of a section's tables has between backticks."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    _, found, section = text.partition(f"\n## {heading}\n")
    assert found, heading
    section = section.partition("\n## ")[0]
    first = re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def flags(commands: Iterable[click.Command]) -> set[str]:
    parameters = (parameter for command in commands for parameter in command.params)
    return {parameter.opts[0] for parameter in parameters if isinstance(parameter, click.Option)}


def fields(*models: type[ApiModel]) -> set[str]:
    return {str(field.alias) for model in models for field in model.model_fields.values()}


def measured(text: bytes) -> set[str]:
    """Return the names that a person asks Prometheus for: when a counter began is none of them."""
    families = text_string_to_metric_families(text.decode())
    names = {each.name + ("_total" if each.type == "counter" else "") for each in families}
    return {name for name in names if not name.endswith("_created")}


def test_each_option_of_the_operator() -> None:
    assert rows("configuration.md", "The operator's command") == flags([operate])


def test_each_setting_of_the_operator() -> None:
    every = fields(OperatorSettings, ExchangeEntry, LeaderSettings)
    assert rows("configuration.md", "The operator's file") == every


def exchange_examples() -> dict[str, str]:
    """Return the YAML of the pages that has exchange entries, by page and place."""
    found = {}
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            if re.search(r"^exchanges:", block[1], re.MULTILINE):
                found[f"{page.relative_to(DOCS)}:{block.start()}"] = block[1]
    return found


@pytest.mark.parametrize("place", exchange_examples())
def test_each_exchange_entry_that_is_shown_is_one_to_trade_by(place: str) -> None:
    entries = yaml.safe_load(exchange_examples()[place])["exchanges"]
    rest = {"namespaces": ["trading"], "leader": {"image": "symbol-trader"}}

    read = parse_settings({**rest, "exchanges": entries}).exchanges

    assert [entry.problem for entry in read] == [""] * len(entries)


def test_each_command_of_the_leaders_program_and_its_options() -> None:
    found = rows("configuration.md", "symbol-trader")
    options = {name for name in found if name.startswith("--")}
    assert options == flags(trader.commands.values())
    assert {name.split()[0] for name in found - options} == set(trader.commands)


def test_each_option_of_the_paper_exchange() -> None:
    assert rows("paper-exchange.md", "Options") == flags([serve])


def test_each_field_of_a_limit() -> None:
    assert rows("limits.md", "spec") == fields(TradingLimitSpec)
    assert rows("limits.md", "status") - {"conditions"} == fields(TradingLimitStatus) - {
        "conditions",
        "observedGeneration",
    }


def test_each_field_of_the_resource() -> None:
    shutdown = {f"shutdown.{name}" for name in fields(ShutdownPolicy)}
    assert rows("resource.md", "spec") == fields(TradingSymbolSpec) - {"shutdown"} | shutdown


def test_each_field_of_its_status_and_each_condition() -> None:
    every = fields(TradingSymbolStatus) | set(ConditionType)
    assert rows("resource.md", "status, as it is reported") == every


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("The leader", LeaderMetrics("XRPUSDT", "paper", lambda: 0).text()),
        ("The operator", OperatorMetrics().render()),
    ],
)
def test_each_metric(heading: str, text: bytes) -> None:
    of_both = rows("metrics.md", "The process")
    found = measured(text)
    assert rows("metrics.md", heading) == found - of_both
    builds = {name for name in of_both if name.endswith("_build_info")}
    assert found & of_both >= of_both - builds
    assert len(found & builds) == 1
