"""What a service mesh does to pods that are created: an admission webhook adds a sidecar.

Python's own library alone, for it runs in a pod: python3 injector.py CERTIFICATE KEY SIDECAR.
SIDECAR is a container as JSON. A pod whose name begins with "native" gets it as Kubernetes' own
kind of sidecar, another one as a plain container.
"""

import base64
import http.server
import json
import ssl
import sys
from pathlib import Path
from typing import Any

PORT = 8443
NATIVE = "native"


def patch(pod: dict[str, Any], sidecar: dict[str, Any]) -> list[dict[str, Any]]:
    """Write the JSON patch that puts the sidecar before what is there."""
    if not pod["metadata"]["name"].startswith(NATIVE):
        return [{"op": "add", "path": "/spec/containers/0", "value": sidecar}]
    native = {**sidecar, "restartPolicy": "Always"}
    return [{"op": "add", "path": "/spec/initContainers", "value": [native]}]


class Injector(http.server.BaseHTTPRequestHandler):
    """Answers AdmissionReviews."""

    sidecar: dict[str, Any]

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        request = json.loads(self.rfile.read(length))["request"]
        changes = json.dumps(patch(request["object"], self.sidecar)).encode()
        response = {
            "uid": request["uid"],
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(changes).decode(),
        }
        review = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": response,
        }
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(certificate: str, key: str, sidecar: str) -> None:
    """Serve until killed."""
    Injector.sidecar = json.loads(Path(sidecar).read_text(encoding="utf-8"))
    server = http.server.ThreadingHTTPServer(("", PORT), Injector)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
