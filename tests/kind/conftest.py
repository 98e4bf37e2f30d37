"""What the tests on a real cluster start from.

They use the cluster that `python3 hack/cluster.py up` and `images` have made, by the
project's own kubeconfig. Any context that is not a kind cluster's is refused.
"""

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kind.kubectl import PROJECT, STATE, Kubectl, command
from kind.operating import OperatorProcess, load_stub, prepare_namespace
from kind.trading import Platform, image, platform

ORDER = (
    "test_docs.py",
    "test_installation.py",
    "test_trading.py",
    "test_twenty_symbols.py",
    "test_operator.py",
    "test_deletion.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what happens on a real cluster its time, and installations their turn.

    An installation that is removed takes the operator's account along, and with it the tokens of
    all operators that run by then: it comes before them. What takes the most time comes next:
    where tests run side by side, the last one to end is then a short one.
    """
    items.sort(
        key=lambda item: ORDER.index(item.path.name) if item.path.name in ORDER else len(ORDER)
    )
    for item in items:
        ours = Path(__file__).parent in item.path.parents
        if ours and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def cluster() -> None:
    """Make sure that this is the project's kind cluster, with the resource defined."""
    assert (STATE / "images.json").exists(), "first: python3 hack/cluster.py up; images"
    context = subprocess.run(
        [*command(), "config", "current-context"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert context.startswith("kind-"), f"refusing the context {context!r}"
    Kubectl("default").run("apply", "-k", str(PROJECT / "crds"))
    for policy in (PROJECT / "manifests" / "base").glob("*-policy.yaml"):
        Kubectl("default").run("apply", "-f", str(policy))


@pytest.fixture(scope="session")
def stub_image(cluster: None) -> str:
    """Return a leader that trades nothing."""
    return load_stub()


@pytest.fixture(scope="session")
def run_name() -> str:
    """Return a name that no other run has."""
    return f"test-{secrets.token_hex(3)}"


@pytest.fixture(scope="session")
def kubectl(cluster: None, run_name: str) -> Iterator[Kubectl]:
    """Return kubectl in a trading namespace of this run."""
    kubectl = prepare_namespace(run_name)
    yield kubectl
    kubectl.run("delete", "namespace", run_name, "--wait=false")


@pytest.fixture(scope="session")
def second(cluster: None, run_name: str) -> Iterator[Kubectl]:
    """Return kubectl in another trading namespace, in which nobody has created the Secrets."""
    kubectl = prepare_namespace(f"{run_name}-b", secrets=False)
    yield kubectl
    kubectl.run("delete", "namespace", f"{run_name}-b", "--wait=false")


@pytest.fixture(scope="session")
def operator(
    stub_image: str, kubectl: Kubectl, second: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run the operator for the namespaces of this run."""
    namespaces = [kubectl.namespace, second.namespace]
    process = OperatorProcess(stub_image, namespaces, tmp_path_factory.mktemp("operator"))
    process.start()
    yield process
    assert process.alive, process.log
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


@pytest.fixture(scope="session")
def record(cluster: None, run_name: str) -> Iterator[Platform]:
    """Return an exchange and a record of this run's own."""
    kubectl = prepare_namespace(f"{run_name}-market", secrets=False)
    with platform(kubectl) as made:
        yield made
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="session")
def home(run_name: str, record: Platform) -> Iterator[Kubectl]:
    """Return kubectl in a trading namespace whose leaders reach exchange and record."""
    kubectl = prepare_namespace(f"{run_name}-real", database=record.leaders_database)
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="session")
def abroad(run_name: str, record: Platform) -> Iterator[Kubectl]:
    """Return kubectl in a second one."""
    kubectl = prepare_namespace(f"{run_name}-too", database=record.leaders_database)
    yield kubectl
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="session")
def real_operator(
    record: Platform, home: Kubectl, abroad: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """Run the operator as a process for both namespaces, with real leaders."""
    process = OperatorProcess(
        image("symbol-trader"),
        [home.namespace, abroad.namespace],
        tmp_path_factory.mktemp("operator"),
        exchange=record.address,
    )
    process.start()
    yield process
    assert process.end() == 0, process.log
    assert "Traceback" not in process.log, process.log


@pytest.fixture
def tidy(kubectl: Kubectl, second: Kubectl) -> Iterator[None]:
    """After a test, look for traces of kopf on what it made, and remove it: leaders cost."""
    yield
    for namespace in (kubectl, second):
        for item in [*namespace.list("tsym"), *namespace.list("pods")]:
            metadata = item["metadata"]
            assert "kopf" not in str(metadata), metadata["name"]
            assert not metadata.get("finalizers"), metadata["name"]
        namespace.run("delete", "tsym", "--all", "--wait=false")
