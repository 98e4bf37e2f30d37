"""A leader that trades nothing: what the operator can see of one, and no more.

It is ready at once and stays until told to go. On shutdown it drains for a moment, writes off
and ends, as the real one does. The name of its resource can ask for another life.
"""

import http.server
import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NAME = os.environ.get("SYMBOL_TRADER_NAME", "")
"""A fence is not told."""
RESOURCES = (
    "https://kubernetes.default.svc/apis/tradingsymbol.dev/v1alpha1/namespaces/"
    f"{os.environ.get('SYMBOL_TRADER_NAMESPACE')}/tradingsymbols"
)
RESOURCE = f"/{NAME}"
DRAIN_SECONDS = 1.0
POLL_SECONDS = 0.5
SLOW_SECONDS = 4.0
TERMINATED = 143


def end(code: int, cause: str, message: str) -> None:
    """Leave the last words and go."""
    leave_words(json.dumps({"cause": cause, "message": message}), code)


ODD_WORDS = {"brackets": "[" * 4000, "cause": '{"cause": []}'}
"""Last words that no leader of ours leaves, by the name of the resource."""


def leave_words(words: str, code: int = 0) -> None:
    """Go with these words."""
    Path("/dev/termination-log").write_text(words, encoding="utf-8")
    os._exit(code)


def request(method: str, path: str, body: object = None, kind: str = "json") -> Any:
    """Ask the API server; of a watch, the first line is read."""
    call = urllib.request.Request(
        RESOURCES + path,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={
            "Authorization": "Bearer " + (ACCOUNT / "token").read_text(),
            "Content-Type": f"application/{kind}",
        },
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    # Like a leader's, its proxy is the exchange's: the API server is asked without.
    https = urllib.request.HTTPSHandler(context=context)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
    with opener.open(call, timeout=5) as answer:
        return json.loads(answer.readline())


def report(traders: int) -> None:
    """Write a status as the real leader would."""
    status = {"traders": traders, "openOrders": traders, "profit": "0", "quoteAsset": "USDT"}
    document = {
        "apiVersion": "tradingsymbol.dev/v1alpha1",
        "kind": "TradingSymbol",
        "metadata": {"name": NAME},
        "status": {**status, "epoch": 1},
    }
    path = RESOURCE + "/status?fieldManager=symbol-trader&force=true"
    request("PATCH", path, document, "apply-patch+yaml")


def finish(spec: dict[str, Any]) -> None:
    """Do what is to be done before the resource goes: nothing, or something that takes a while."""
    if spec.get("deletionPolicy", "Stop") != "Stop" and not NAME.startswith("stuck"):
        time.sleep(DRAIN_SECONDS)
        end(0, "drained", "nothing is open")


def drain() -> None:
    """Finish, write off if shutdown is still asked for, and end; if an order rests, it does not."""
    if NAME.startswith("rests"):
        return
    time.sleep(DRAIN_SECONDS)
    path = RESOURCE + "?fieldManager=symbol-trader"
    test = {"op": "test", "path": "/spec/status", "value": "shutdown"}
    off = {"op": "replace", "path": "/spec/status", "value": "off"}
    try:
        request("PATCH", path, [test, off], "json-patch+json")
    except urllib.error.HTTPError:
        return
    end(0, "drained", "nothing is open")


def leave() -> None:
    """Go when told to, at once or after a while."""
    if NAME.startswith("slow"):
        time.sleep(SLOW_SECONDS)
    sys.exit(TERMINATED)


class Health(http.server.BaseHTTPRequestHandler):
    """Well and ready, unless the name says otherwise."""

    def do_GET(self) -> None:
        unready = NAME.startswith("unready") and self.path == "/readyz"
        self.send_response(503 if unready else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing about probes."""


def main() -> None:
    """Live as the name says."""
    if "fence" in sys.argv:
        end(0, "fenced", f"the leader of pod {os.environ['SYMBOL_TRADER_FENCED_POD']} is over")
    if NAME.startswith("crash"):
        end(1, "error", "cannot work")
    if NAME.startswith("fenced"):
        end(0, "fenced", "another leader has taken over")
    if NAME in ODD_WORDS:
        leave_words(ODD_WORDS[NAME])
    signal.signal(signal.SIGTERM, lambda *_: leave())
    server = http.server.ThreadingHTTPServer(("", 8080), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    report(1)
    while True:
        # To watch is all that a leader may: the first event says how things are.
        watch = f"?watch=1&timeoutSeconds=5&fieldSelector=metadata.name%3D{NAME}"
        resource = request("GET", watch)["object"]
        if "deletionTimestamp" in resource["metadata"]:
            finish(resource["spec"])
        if resource["spec"].get("status") == "shutdown":
            drain()
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
