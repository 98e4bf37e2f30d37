"""The TradingLimits of a namespace as objects of the API server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final

from kubernetes.aio import watch
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.resource.outage import Outage, Tell
from symbol_trader.resource.words import in_words
from tradingsymbol_api.limit import TradingLimit, parse_limit
from tradingsymbol_api.names import GROUP, LEADER_FIELD_MANAGER, LIMIT_PLURAL, VERSION
from tradingsymbol_api.spec import InvalidResourceError

WATCH_S: Final = 290
SILENCE_S: Final = 300
REQUEST_S: Final = 10
UNKNOWN_KIND_S: Final = 60.0
"""How often it is asked whether the cluster knows TradingLimits by now."""
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)
"""Pauses before a broken watch is renewed; the last one repeats."""
NOT_FOUND: Final = 404


class LimitsWatch:
    """Lists the limits of a namespace, and then hears of each change."""

    def __init__(
        self,
        api: CustomObjectsApi,
        namespace: str,
        warn: Tell,
        clock: Callable[[], datetime],
    ) -> None:
        """Watch through an open client; `warn` is told of what cannot be read, and of outages."""
        self._api = api
        self._where: dict[str, Any] = {
            "group": GROUP,
            "version": VERSION,
            "namespace": namespace,
            "plural": LIMIT_PLURAL,
        }
        self._warn = warn
        self._away = Outage("no word of TradingLimits from the API server", warn, clock)
        self.seen: dict[str, dict[str, Any]] = {}
        """The objects by uid, as they were seen last."""
        self._read: dict[str, TradingLimit] = {}
        """By uid, as they could be read last."""

    async def limits(self) -> AsyncIterator[tuple[TradingLimit, ...]]:
        """Yield all limits, now and at each change, without end.

        One that cannot be read is warned about. What it said before stays in force; at the start
        nothing is yielded while there is one, so that nothing is bought past it.
        """
        last: tuple[TradingLimit, ...] | None = None
        failures = 0
        while True:
            try:
                async for documents in self._documents():
                    failures = 0
                    self._away.ends()
                    limits = self._readable(documents)
                    if limits == last or (last is None and len(limits) < len(documents)):
                        continue
                    last = limits
                    yield limits
            except Exception as exc:  # noqa: BLE001 - the client raises it for a line that is odd
                meanwhile = "nothing is bought" if last is None else "the record enforces them"
                self._away.lasts(in_words(exc), meanwhile)
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    async def exists(self, name: str, uid: str) -> bool:
        """Ask whether a limit is there. Raises what the client raises."""
        try:
            found: Any = await self._api.get_namespaced_custom_object(
                name=name, _request_timeout=REQUEST_S, **self._where
            )
        except ApiException as exc:
            if exc.status == NOT_FOUND:
                return False
            raise
        return bool(found["metadata"]["uid"] == uid)

    async def report(self, document: dict[str, Any]) -> None:
        """Apply a status. Raises what the client raises."""
        await self._api.patch_namespaced_custom_object_status(
            name=document["metadata"]["name"],
            body=document,
            field_manager=LEADER_FIELD_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
            _request_timeout=REQUEST_S,
            **self._where,
        )

    async def _documents(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all objects now and at each change; ends when the server ends the watch."""
        try:
            listed: Any = await self._api.list_namespaced_custom_object(
                _request_timeout=REQUEST_S, **self._where
            )
        except ApiException as exc:
            if exc.status != NOT_FOUND:
                raise
            # The cluster does not know the kind, so there is none.
            self.seen = {}
            yield []
            await asyncio.sleep(UNKNOWN_KIND_S)
            return
        held = self.seen = {item["metadata"]["uid"]: item for item in listed["items"]}
        yield [*held.values()]
        async with watch.Watch() as stream:  # type: ignore[no-untyped-call]  # the client has no types
            events = stream.stream(
                self._api.list_namespaced_custom_object,
                resource_version=listed["metadata"]["resourceVersion"],
                timeout_seconds=WATCH_S,
                _request_timeout=SILENCE_S,
                **self._where,
            )
            async for event in events:
                if not isinstance(event, dict):
                    # The client hands on as text what it cannot read.
                    raise ConnectionError("the watch broke off within a line")
                document = event["raw_object"]
                uid = document["metadata"]["uid"]
                held.pop(uid, None)
                if event["type"] != "DELETED":
                    held[uid] = document
                yield [*held.values()]

    def _readable(self, documents: list[dict[str, Any]]) -> tuple[TradingLimit, ...]:
        """Return what each document says, or has said while it could be read."""
        read = {}
        for document in documents:
            uid = document["metadata"]["uid"]
            try:
                read[uid] = parse_limit(document)
            except InvalidResourceError as exc:
                self._warn("a limit cannot be read", f"{document['metadata']['name']}: {exc}")
                if uid in self._read:
                    read[uid] = self._read[uid]
        self._read = read
        return tuple(read.values())
