"""The TradingSymbol as an object of the API server: watch, status, and the off patch.

The one door of the leader to Kubernetes. Trading goes on while the API server is away: the watch
reconnects by itself, and what could not be written is written later.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Self

import aiohttp
from kubernetes.aio import config, watch
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.core.limits import AccountLimit, LimitInForce, LimitReport
from symbol_trader.desired import Desired, SwitchOffOutcome
from symbol_trader.errors import ApiServerUnavailable, Unavailable
from symbol_trader.report import Report
from symbol_trader.resource import limit_events
from symbol_trader.resource.limit_events import EventPoster
from symbol_trader.resource.limit_status import limit_document, limit_identity
from symbol_trader.resource.limits import LimitsWatch
from symbol_trader.resource.outage import Outage, Tell
from symbol_trader.resource.translation import deleted, desired_of, limit_of, status_of
from symbol_trader.resource.words import in_words
from tradingsymbol_api.names import GROUP, LEADER_FIELD_MANAGER, PLURAL, VERSION, leader_pod_name
from tradingsymbol_api.reading import mapping
from tradingsymbol_api.spec import InvalidResourceError, parse_resource
from tradingsymbol_api.status import Target, owned_status, says_the_same

WATCH_S = 290
"""How long a watch is asked to last; then it is renewed, so that a dead one is noticed."""
SILENCE_S = 300
"""A watch without an event for this long is dead."""
REQUEST_S = 10
GOES_ON = "trading goes on as it was asked for last, and what is to be written is written later"
PAUSES_S = (0.5, 1.0, 2.0, 5.0)
"""Pauses before a broken watch is renewed; the last one repeats."""

DELETED = "deletionTimestamp"
"""Metadata of a resource that is being deleted."""
_SUPERSEDED = {404, 422}
"""The object is gone, or fails a test of the patch. A conflict (409) passes: it is tried again."""
_FAILURES = (ApiException, aiohttp.ClientError, OSError, TimeoutError)


def _now() -> datetime:
    return datetime.now(UTC)


class ApiServerResource:
    """One TradingSymbol of the cluster that the leader's pod runs in.

    `warn` is told about what cannot be read, and about times without the API server.
    """

    def __init__(
        self,
        api: ApiClient,
        namespace: str,
        name: str,
        warn: Tell,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Serve one resource through an open client."""
        self._client = api
        self._api = CustomObjectsApi(api)
        self._where: dict[str, Any] = {
            "group": GROUP,
            "version": VERSION,
            "namespace": namespace,
            "plural": PLURAL,
        }
        self._namespace = namespace
        self._name = name
        self._warn = warn
        self._clock = clock
        self._away = Outage("no word from the API server", warn, clock)
        self._unwritten = Outage("the API server refuses the status", warn, clock)
        self._limits = LimitsWatch(self._api, namespace, warn, clock)
        self._events = EventPoster(self._api, leader_pod_name(name), warn, clock)
        self._reported: Report | None = None
        """What was written last, and Events were told of."""
        self._left: dict[str, Any] = {}
        """The leader's part of the status after that, as the API server has it."""
        self._exchange = ""
        """The exchange entry that the resource names, once it was read."""
        self._seen: dict[str, Any] = {}
        self._heard: dict[str, Any] = {}
        """The metadata of what was yielded last."""

    @classmethod
    def in_cluster(cls, namespace: str, name: str, warn: Tell) -> Self:
        """Connect with the pod's own service account. Raises `Unavailable` outside a pod.

        A proxy in the environment is that of the exchange: the cluster's own API server is reached
        without one.
        """
        configuration = Configuration()
        configuration.client_session_kwargs = {"trust_env": False}
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # the client has no types
        except config.ConfigException as exc:
            raise Unavailable(f"no cluster to connect to: {exc}") from exc
        return cls(ApiClient(configuration), namespace, name, warn)

    async def changes(self) -> AsyncIterator[Desired]:
        """Yield what is asked for at each change of the spec, and when the resource is deleted.

        A spec that cannot be read, that of a newer version, is warned about, and the last good
        one stays in force.
        """
        last: Desired | None = None
        failures = 0
        while True:
            try:
                async for document in self._watch():
                    failures = 0
                    self._away.ends()
                    try:
                        desired = self._read(document)
                    except InvalidResourceError as exc:
                        self._warn("edit ignored", str(exc))
                        continue
                    if desired != last:
                        last = desired
                        yield desired
                self._away.ends()
            except Exception as exc:  # noqa: BLE001 - the client raises it for a line that is odd
                meanwhile = "waiting to hear what is asked for" if last is None else GOES_ON
                self._away.lasts(in_words(exc), meanwhile)
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    async def limits(self) -> AsyncIterator[tuple[AccountLimit, ...]]:
        """Yield the limits of the resource's exchange, now and at each change."""
        last: tuple[AccountLimit, ...] | None = None
        async for limits in self._limits.limits():
            ours = tuple(limit_of(one) for one in limits if one.spec.exchange == self._exchange)
            # A status is written every few seconds, and is no change.
            if ours != last:
                last = ours
                yield ours

    async def limit_exists(self, name: str, uid: str) -> bool:
        """Return whether a limit of the namespace is there now. Raises `Unavailable`."""
        try:
            return await self._limits.exists(name, uid)
        except _FAILURES as exc:
            raise ApiServerUnavailable(f"API server: {in_words(exc)}") from exc

    async def report_limit(self, report: LimitReport) -> None:
        """Write the status of a limit, if it says anything new. Raises `Unavailable`."""
        present = mapping(self._limits.seen.get(report.in_force.uid, {}), "status")
        document = limit_document(report, self._clock(), present)
        if document["status"] == present:
            return
        try:
            await self._limits.report(document)
        except _FAILURES as exc:
            raise ApiServerUnavailable(f"API server: {in_words(exc)}") from exc
        await self._events.post(document, limit_events.of_limit(present, document["status"]))

    async def tell_deleted(self, limit: LimitInForce) -> None:
        """Post an Event about a limit that was deleted."""
        await self._events.post(limit_identity(limit), [limit_events.deleted()])

    async def report(self, report: Report) -> None:
        """Write the leader's part of the status, and post Events of what has happened since.

        A leader that was lost may have written a last word after this one: that is written over.
        Raises `Unavailable`; a refusal is told as well, since watching may go on without failure.
        """
        if report == self._reported and self._own_status == self._left:
            return
        await self._write_status(report)
        self._left = self._own_status
        await self._events.post(self._seen, limit_events.of_report(self._reported, report))
        self._reported = report

    @property
    def _own_status(self) -> dict[str, Any]:
        """Return the leader's part of the status as it was seen last."""
        return owned_status(LEADER_FIELD_MANAGER, self._seen.get("status"))

    async def _write_status(self, report: Report) -> None:
        """Write it by server-side apply, if it says anything new."""
        metadata = self._seen["metadata"]
        target = Target(self._namespace, self._name, metadata["uid"])
        status = self._seen.get("status", {})
        document = status_of(report, target, self._clock(), status)
        if says_the_same(LEADER_FIELD_MANAGER, document, status):
            return
        self._seen = await self._try(
            self._api.patch_namespaced_custom_object_status,
            name=self._name,
            body=document,
            field_manager=LEADER_FIELD_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
            **self._where,
        )

    async def switch_off(self) -> SwitchOffOutcome:
        """Patch `spec.status` from shutdown to off; the patch tests the value that it replaces.

        And the generation: a leader that was frozen here must not end a later shutdown.
        """
        if DELETED in self._heard:
            # To go off is to go: the operator sees that the leader has finished.
            return SwitchOffOutcome.WRITTEN
        body = [
            {"op": "test", "path": "/metadata/uid", "value": self._heard["uid"]},
            {"op": "test", "path": "/metadata/generation", "value": self._heard["generation"]},
            {"op": "test", "path": "/spec/status", "value": "shutdown"},
            {"op": "replace", "path": "/spec/status", "value": "off"},
        ]
        try:
            await self._api.patch_namespaced_custom_object(
                name=self._name,
                body=body,
                field_manager=LEADER_FIELD_MANAGER,
                _content_type="application/json-patch+json",
                _request_timeout=REQUEST_S,
                **self._where,
            )
        except ApiException as exc:
            if exc.status in _SUPERSEDED:
                return SwitchOffOutcome.SUPERSEDED
            raise ApiServerUnavailable(f"API server: {exc.status} {exc.reason}") from exc
        except _FAILURES as exc:
            raise ApiServerUnavailable(f"API server: {in_words(exc)}") from exc
        return SwitchOffOutcome.WRITTEN

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()  # type: ignore[no-untyped-call]  # the client has no types

    async def _watch(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the object now and at each change; ends when the server ends the watch."""
        async with watch.Watch() as stream:  # type: ignore[no-untyped-call]  # the client has no types
            events = stream.stream(
                self._api.list_namespaced_custom_object,
                field_selector=f"metadata.name={self._name}",
                timeout_seconds=WATCH_S,
                _request_timeout=SILENCE_S,
                **self._where,
            )
            async for event in events:
                if not isinstance(event, dict):
                    # The client hands on as text what it cannot read.
                    raise ConnectionError("the watch broke off within a line")
                document = dict(event["raw_object"])
                if event["type"] == "DELETED":
                    document["metadata"] |= {DELETED: "now", "finalizers": []}
                yield document

    def _read(self, document: dict[str, Any]) -> Desired:
        self._seen = document
        resource = parse_resource(document)
        self._exchange = resource.spec.exchange
        self._heard = document["metadata"]
        desired = desired_of(resource)
        if DELETED in self._heard:
            return deleted(desired, self._heard, resource.spec.deletion_policy)
        return desired

    async def _try(self, method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await method(_request_timeout=REQUEST_S, **arguments)
        except ApiException as exc:
            why = f"API server: {exc.status} {exc.reason}"
            self._unwritten.lasts(why)
            raise ApiServerUnavailable(why) from exc
        except _FAILURES as exc:
            raise ApiServerUnavailable(f"API server: {in_words(exc)}") from exc
        self._unwritten.ends()
        return answer
