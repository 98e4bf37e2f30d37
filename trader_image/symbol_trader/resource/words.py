"""What the client for Kubernetes raises, in words: its own text leaves out what was refused."""

import json
from contextlib import suppress

from kubernetes.aio.client.exceptions import ApiException

from tradingsymbol_api.reading import text


def in_words(error: Exception) -> str:
    """Return an error as text: of the API server's answer the status, and what it says itself."""
    if not isinstance(error, ApiException):
        return repr(error)
    said = ""
    with suppress(ValueError):
        said = text(json.loads(error.body or ""), "message")
    return f"{error.status} {said or error.reason}"
