"""Real leaders on the cluster: the installation's platform, and looks into its books."""

import asyncio
import contextlib
import json
import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import asyncpg

from kind.kubectl import PATIENCE_SECONDS, STATE, Kubectl, command, condition, eventually
from localports import free_port
from paper_exchange.journal_history import history_of
from support.books import Comparison, compare
from symbol_trader.postgres.migrate import migrate

SYSTEM = Kubectl("trading-system")
FAST = 4
"""Market time per wall time: cycles finish in seconds."""
LOW, HIGH = Decimal("0.8"), Decimal("1.5")
"""How far prices fall and rise in a sweep, by what they were."""
BEYOND = Decimal("0.01")
"""How far they go beyond the price of an order that is to fill."""
SWEEP = 100_000
"""Base quantity of a trade that fills whatever rests."""
SETTLE_S = 2
"""Time that leaders get to place what follows from a fill."""
FORWARD_POLL_S = 0.2
SYMBOLS = [
    "XRP",
    "UNI",
    "APT",
    "SUI",
    "BTC",
    "ETH",
    "BNB",
    "SOL",
    "ADA",
    "DOGE",
    "DOT",
    "LTC",
    "LINK",
    "AVAX",
    "TRX",
    "ATOM",
    "XLM",
    "ETC",
    "FIL",
    "NEAR",
    "ALGO",
    "VET",
    "ICP",
    "AAVE",
    "EOS",
    "XTZ",
    "NEO",
    "ZEC",
    "DASH",
    "HBAR",
    "TON",
]
FILES = "exchange-files"
"""Secret whose keys are files below `/files` of the exchange, if there is one."""
EXCHANGE = """\
apiVersion: v1
kind: Service
metadata: {{name: exchange}}
spec:
  selector: {{app: exchange}}
  ports: [{{port: 9443}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: exchange, labels: {{app: exchange}}}}
spec:
  nodeSelector: {{role: platform}}
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    fsGroup: 10001
    seccompProfile: {{type: RuntimeDefault}}
  containers:
  - name: exchange
    image: {image}
    args: [serve, "--host=::", --port=9443, --journal=/data/journal, --speed={speed},
           "--synthetic-symbols={symbols}"{options}]
    readinessProbe: {{httpGet: {{path: /healthz, port: 9443, scheme: {probe}}}, periodSeconds: 1}}
    securityContext:
      allowPrivilegeEscalation: false
      capabilities: {{drop: [ALL]}}
    volumeMounts:
    - {{name: data, mountPath: /data}}
    - {{name: files, mountPath: /files, readOnly: true}}
  volumes:
  - {{name: data, emptyDir: {{}}}}
  - {{name: files, secret: {{secretName: {files}, optional: true}}}}
"""


def image(program: str) -> str:
    """Return the image of one of the programs."""
    reference: str = json.loads((STATE / "images.json").read_text())[program]
    return reference


@dataclass(frozen=True, slots=True)
class Platform:
    """An exchange and a database of this run's own; a demonstration beside it is left alone."""

    kubectl: Kubectl
    """The namespace that the exchange runs in."""
    database: str
    """The record's URL from here."""
    leaders_database: str
    """The record's URL from inside the cluster."""
    tls: bool = False

    @property
    def host(self) -> str:
        """Return the exchange's host and port, from inside the cluster."""
        return f"{host(self.kubectl)}:9443"

    @property
    def address(self) -> str:
        """Return the exchange's address from inside the cluster."""
        return f"{'wss' if self.tls else 'ws'}://{self.host}"

    def exchange(self, *arguments: str) -> dict[str, Any]:
        """Give the exchange an administrator's command, from inside its pod."""
        text = self.kubectl.run("exec", "exchange", "--", "paper-exchange", "admin", *arguments)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def freeze(self, symbol: str) -> None:
        """Let the market stand still at a moment at which orders of a symbol rest."""

        def frozen() -> bool:
            self.exchange("pause")
            if self.exchange("status")["symbols"][symbol]["openOrders"]:
                return True
            self.exchange("resume")
            return False

        eventually(frozen, what=f"an order of {symbol} rests")

    def freeze_with_two_orders(self, symbol: str) -> None:
        """Let the price fall and stand still: a rebuy follows, and rests beside the first sell."""
        self.exchange("pause")
        price = Decimal(self.exchange("status")["symbols"][symbol]["price"])
        low = str((price * Decimal("0.8")).quantize(price))

        def fallen() -> bool:
            # Not two buys, of which one has sold and buys again beside a rebuy.
            sells, buys = self.resting(symbol, "SELL"), self.resting(symbol, "BUY")
            if sells and len(sells) + len(buys) > 1:
                return True
            self.exchange("trade", symbol, low, str(SWEEP), "SELL")
            return False

        eventually(fallen, what=f"two orders of {symbol} rest")

    def sweep(self, *symbols: str) -> None:
        """Let each symbol's price fall and rise: every order fills.

        A shutdown ends when the market fills its orders; this is a market that does.
        """
        try:
            self.fall(*symbols)
            time.sleep(SETTLE_S)
            self.rise(*symbols)
            time.sleep(SETTLE_S)
        finally:
            self.exchange("resume")

    def fall(self, *symbols: str) -> None:
        """Let prices fall, where the market then stands still: every buy fills."""
        self._jump(symbols, LOW, "SELL")

    def rise(self, *symbols: str) -> None:
        """Let prices rise, where the market then stands still: every sell fills."""
        self._jump(symbols, HIGH, "BUY")

    def resting(self, symbol: str, side: str) -> list[Decimal]:
        """Return the prices of a symbol's orders on one side, lowest first."""
        query = "SELECT price FROM open_orders WHERE symbol = $1 AND side = $2 ORDER BY price"
        return [row[0] for row in self.query(query, symbol, side)]

    def _jump(self, symbols: tuple[str, ...], factor: Decimal, side: str) -> None:
        self.exchange("pause")
        listed = self.exchange("status")["symbols"]
        trades = []
        for symbol in symbols:
            price = self._beyond(symbol, Decimal(listed[symbol]["price"]), factor)
            trades.append(f"paper-exchange admin trade {symbol} {price} {SWEEP} {side}")
        self.kubectl.run("exec", "exchange", "--", "sh", "-ec", "\n".join(trades))

    def _beyond(self, symbol: str, price: Decimal, factor: Decimal) -> Decimal:
        """Return a price by this factor away, and beyond all orders that are to fill."""
        if factor < 1:
            reached = [order * (1 - BEYOND) for order in self.resting(symbol, "BUY")]
            return min([price * factor, *reached]).quantize(price, ROUND_FLOOR)
        reached = [order * (1 + BEYOND) for order in self.resting(symbol, "SELL")]
        return max([price * factor, *reached]).quantize(price, ROUND_CEILING)

    def books(
        self, symbol: str, folder: Path, *, within: float = 30, environment: str = "paper"
    ) -> Comparison:
        """Compare the exchange's own journal with the record, with the market standing still."""
        self.exchange("pause")
        self.query("SELECT 1")  # waits for a database that is on its way back
        deadline = time.monotonic() + within
        path = folder / "journal"
        try:
            while True:
                self._copy_journal(path)
                comparison = asyncio.run(compare(path, self.database, symbol, environment))
                if not comparison.differences or time.monotonic() > deadline:
                    return comparison
                time.sleep(0.5)
        finally:
            self.exchange("resume")

    def _copy_journal(self, path: Path) -> None:
        """Copy the journal, then its history, which only grows: so it holds what the copy needs."""
        path.write_text(self.kubectl.run("exec", "exchange", "--", "cat", "/data/journal"))
        packed = "cd /data; [ ! -e journal.history ] || base64 journal.history"
        history = self.kubectl.run("exec", "exchange", "--", "sh", "-ec", packed)
        history_of(path).write_bytes(b64decode(history))

    def query(self, text: str, *arguments: Any) -> list[asyncpg.Record]:
        """Read rows of the record."""
        return query(self.database, text, *arguments)


def host(kubectl: Kubectl) -> str:
    """Return the name of the exchange of a namespace, from inside the cluster."""
    return f"exchange.{kubectl.namespace}"


def exchange_manifest(options: tuple[str, ...] = (), *, tls: bool = False) -> str:
    """Write the exchange's objects; the options are more of those of `paper-exchange serve`."""
    return EXCHANGE.format(
        image=image("paper-exchange"),
        speed=FAST,
        symbols=",".join(f"{symbol}USDT" for symbol in SYMBOLS),
        options="".join(f', "{option}"' for option in options),
        probe="HTTPS" if tls else "HTTP",
        files=FILES,
    )


@contextlib.contextmanager
def platform(
    kubectl: Kubectl, options: tuple[str, ...] = (), *, tls: bool = False
) -> Iterator[Platform]:
    """Run an exchange in a namespace, and make a database for its leaders.

    The options are more of those of `paper-exchange serve`; `tls` says that they have it serve
    over TLS.
    """
    kubectl.apply(exchange_manifest(options, tls=tls))
    name = kubectl.namespace.replace("-", "_")
    make = ("psql", "--username=trading", "--command", f"CREATE DATABASE {name}")
    SYSTEM.run("exec", "postgres-0", "--", *make)
    kubectl.run("wait", "pod/exchange", "--for=condition=Ready", "--timeout=60s")
    with _forwarded_database() as port:
        url = f"postgresql://trading:demo@127.0.0.1:{port}/{name}"
        query(url, "SELECT 1")
        asyncio.run(migrate(url, lambda _: None))
        inside = f"postgresql://trading:demo@postgres.trading-system:5432/{name}"
        yield Platform(kubectl, url, inside, tls)


@contextlib.contextmanager
def _forwarded_database() -> Iterator[int]:
    """Reach the cluster's PostgreSQL from here; yields the port.

    A forward ends with its pod, and with the API server: then it is begun anew.
    """
    port = free_port()
    over = threading.Event()
    argv = [*command(), "--namespace", "trading-system", "port-forward", "svc/postgres"]

    def forward() -> None:
        while not over.is_set():
            with subprocess.Popen(
                [*argv, f"{port}:5432"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                while process.poll() is None and not over.wait(FORWARD_POLL_S):
                    pass
                process.terminate()

    thread = threading.Thread(target=forward)
    thread.start()
    try:
        yield port
    finally:
        over.set()
        thread.join()


def query(url: str, text: str, *arguments: Any) -> list[asyncpg.Record]:
    """Read rows of the record; waits for a database that is on its way back."""

    async def read() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(text, *arguments))
        finally:
            await connection.close()

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return asyncio.run(read())
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
            if time.monotonic() > deadline:
                raise
            time.sleep(FORWARD_POLL_S)


def trading(kubectl: Kubectl, name: str) -> bool:
    """Whether a symbol is ready and has orders on the exchange."""
    status = kubectl.symbol(name).get("status", {})
    ready = condition(kubectl.symbol(name), "Ready").get("status") == "True"
    return ready and status.get("openOrders", 0) > 0


def off(kubectl: Kubectl, name: str) -> bool:
    """Whether a symbol is off and has no pod."""
    symbol = kubectl.symbol(name)
    return symbol["spec"]["status"] in {"off", False} and kubectl.leader(name) is None


def off_writer(kubectl: Kubectl, name: str) -> str:
    """Return the field manager that wrote spec.status last."""
    for entry in kubectl.symbol(name)["metadata"]["managedFields"]:
        if "f:status" in entry["fieldsV1"].get("f:spec", {}):
            return str(entry["manager"])
    return ""


def drain(kubectl: Kubectl, market: Platform, symbols: dict[str, str], rounds: int = 20) -> None:
    """Move the market until all of these (symbol by resource) have switched themselves off."""
    left = list(symbols)
    for _ in range(rounds):
        left = [name for name in left if not off(kubectl, name)]
        if not left:
            return
        market.sweep(*(symbols[name] for name in left))
    told = {name: condition(kubectl.symbol(name), "ShuttingDown").get("message") for name in left}
    query = "SELECT trader_id, side, price, remaining, state FROM open_orders WHERE symbol = $1"
    orders = [dict(row) for name in left for row in market.query(query, symbols[name])]
    raise AssertionError(f"still not off after {rounds} rounds: {told}, resting: {orders}")


def wait_until_trading(kubectl: Kubectl, name: str, within: float = 180) -> None:
    """Wait for the first orders."""
    eventually(lambda: trading(kubectl, name), within=within, what=f"{name} trades")


def wait_until_off(kubectl: Kubectl, name: str, within: float = 240) -> None:
    """Wait for the end of a shutdown, or of off."""
    eventually(lambda: off(kubectl, name), within=within, what=f"{name} is off")
