"""The operator's configuration file."""

from pathlib import Path

import pytest

from symbol_operator.runtime.settings_file import load_settings
from symbol_operator.settings import Identity, SettingsError

FILE = """
namespaces: [trading, trading-b]
exchanges:
  - name: paper
    environment: paper
    apiUrl: ws://paper-exchange:9443/ws-api/v3
    streamUrl: ws://paper-exchange:9443
    secret: paper-credentials
leader:
  image: symbol-trader:1
  nodeSelector: {role: trading}
resyncSeconds: 30
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "operator.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path | None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    return str(caught.value)


def test_a_file_is_read_and_the_rest_has_defaults(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, FILE))

    assert settings.namespaces == ("trading", "trading-b")
    assert settings.leader.node_selector == {"role": "trading"}
    assert settings.leader.image_pull_policy == "IfNotPresent"
    assert settings.database_secret == "trading-database"
    assert (settings.workers, settings.resync_seconds) == (30, 30)
    entry = settings.exchange("paper")
    assert entry is not None
    assert entry.api_url == "ws://paper-exchange:9443/ws-api/v3"
    assert settings.exchange("binance") is None


def test_an_exchange_has_its_own_times_or_the_usual_ones(tmp_path: Path) -> None:
    usual = load_settings(write(tmp_path, FILE)).exchanges[0]
    assert (usual.recv_window, usual.timeout) == (3_000, 10_000)

    own = FILE.replace("secret:", "recvWindow: 5000\n    timeout: 20000\n    secret:")
    entry = load_settings(write(tmp_path, own)).exchanges[0]
    assert (entry.recv_window, entry.timeout) == (5_000, 20_000)


@pytest.mark.parametrize(
    ("field", "least", "most"), [("recvWindow", 100, 60_000), ("timeout", 1_000, 30_000)]
)
def test_a_time_of_an_exchange_is_in_milliseconds_and_bounded(
    tmp_path: Path, field: str, least: int, most: int
) -> None:
    for good in (least, most):
        text = FILE.replace("secret:", f"{field}: {good}\n    secret:")
        load_settings(write(tmp_path, text))
    for bad in (least - 1, most + 1, 3, "3s", 3000.0, True, None):
        written = "null" if bad is None else bad
        text = FILE.replace("secret:", f"{field}: {written}\n    secret:")
        assert refusal(write(tmp_path, text)) == (
            f"exchanges.0.{field}: must be a whole number of milliseconds from {least} to {most}, "
            f"not {bad!r}"
        )


def test_options_have_precedence(tmp_path: Path) -> None:
    settings = load_settings(
        write(tmp_path, FILE), namespaces=("other",), leader_image="symbol-trader:2"
    )

    assert settings.namespaces == ("other",)
    assert settings.leader.image == "symbol-trader:2"
    assert settings.leader.node_selector == {"role": "trading"}


def test_options_alone_are_enough() -> None:
    settings = load_settings(None, namespaces=("trading",), leader_image="symbol-trader:2")

    assert settings.exchanges == ()


def test_the_last_namespace_can_be_left(tmp_path: Path) -> None:
    path = write(tmp_path, "namespaces: []\nleavingNamespaces: [a]\nleader: {image: x}")

    assert load_settings(path).all_namespaces == ("a",)


def test_a_leader_section_may_be_empty(tmp_path: Path) -> None:
    path = write(tmp_path, "namespaces: [a]\nleader:\n")

    assert load_settings(path, leader_image="x").leader.image == "x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("namespaces: [a]\nleader: {image: x}\nworker: 5", "worker: Extra inputs"),
        ("namespaces: [a]\nleader: {image: x}\nworkers: 0", "workers: Input should be"),
        ("namespaces: [a]\nexchanges: [{name: paper}]", "exchanges.0.environment: Field required"),
        ("namespaces: [a]", "leader.image: name the trader's image"),
        ("leader: {image: x}", "namespaces: name at least one"),
        (
            "namespaces: [a, b]\nleavingNamespaces: [b]\nleader: {image: x}",
            "namespaces, leavingNamespaces: b is named more than once",
        ),
        ("- a", "holds no mapping"),
        ("a: [", "cannot read"),
        ("updatesAtOnce: 010", "updatesAtOnce is written 010, which YAML reads as 8"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "absent.yaml" in refusal(tmp_path / "absent.yaml")


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    entry = "  - {name: paper, environment: paper, apiUrl: a, streamUrl: b, secret: c}\n"
    text = f"namespaces: [a]\nleader: {{image: x}}\nexchanges:\n{entry}{entry}"

    assert "more than one entry is named paper" in refusal(write(tmp_path, text))


def test_the_replicas_of_an_installation_have_one_name_in_common() -> None:
    assert Identity("one", "home").installation == Identity("two", "home").installation
    assert Identity("one", "home").installation != Identity("one", "away").installation


LIVE = """
  - name: binance
    environment: live
    secret: live-credentials
"""


def test_live_needs_no_address_and_has_to_be_allowed(tmp_path: Path) -> None:
    """It is told where a symbol asks for it: one bad entry keeps no other from trading."""
    text = FILE.replace("leader:", f"{LIVE.strip(chr(10))}\nleader:", 1)
    paper, live = load_settings(write(tmp_path, text)).exchanges
    assert paper.problem == ""
    assert live.problem.startswith("realMoney is missing: live trades real money")

    allowed = text.replace("environment: live", "environment: live\n    realMoney: true")
    assert load_settings(write(tmp_path, allowed)).exchanges[1].problem == ""

    word = allowed.replace("realMoney: true", 'realMoney: "no"')
    assert "exchanges.1.realMoney" in refusal(write(tmp_path, word))


def test_certificates_have_one_source(tmp_path: Path) -> None:
    for name in ("caConfigMap", "caSecret"):
        text = FILE.replace("secret:", f"{name}: authorities\n    secret:")
        assert load_settings(write(tmp_path, text)).exchanges[0].problem == ""

    both = FILE.replace("secret:", "caSecret: one\n    caConfigMap: other\n    secret:")
    assert load_settings(write(tmp_path, both)).exchanges[0].problem == (
        "caConfigMap and caSecret name certificates both: remove one of them"
    )


@pytest.mark.parametrize("field", ["caConfigMap", "caSecret", "proxySecret", "addressGroup"])
def test_a_name_is_one_that_kubernetes_takes(tmp_path: Path, field: str) -> None:
    for good in ("authorities", "egress-1", "203.0.113.7", '""', f'"{"x" * 253}"'):
        load_settings(write(tmp_path, FILE.replace("secret:", f"{field}: {good}\n    secret:")))
    for bad in ("../authorities", "Egress", "-a", "a..b", f'"{"x" * 254}"', "5", "null", "[a]"):
        text = FILE.replace("secret:", f"{field}: {bad}\n    secret:")
        said = refusal(write(tmp_path, text))
        assert said.startswith(f"exchanges.0.{field}: must be a name as Kubernetes takes it"), bad
