"""Events about limits, for people: what has come to hold, and that halts are over."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import aiohttp
from kubernetes.aio.client.api.custom_objects_api import CustomObjectsApi
from kubernetes.aio.client.exceptions import ApiException

from symbol_trader.report import Report
from symbol_trader.resource.outage import Tell
from tradingsymbol_api.conditions import LeaderReason, conditions_by_type
from tradingsymbol_api.events import (
    EVENTS_GROUP,
    EVENTS_PLURAL,
    EVENTS_VERSION,
    event_document,
    event_name,
)
from tradingsymbol_api.limit import LimitConditionType, LimitReason
from tradingsymbol_api.names import LEADER_FIELD_MANAGER
from tradingsymbol_api.reading import Document, mapping, text

REQUEST_S: Final = 10
_TOLD_BEFORE: Final = 409
_PARTS: Final = (
    (LimitConditionType.HALTED, LimitReason.HALTED, "; "),
    (LimitConditionType.REACHED, LimitReason.REACHED, ", "),
)
"""Conditions of a limit, and what separates the parts of their messages."""


class LimitEventReason(StrEnum):
    """Reasons of Events that are not reasons of conditions."""

    BUYS_RESUMED = "BuysResumed"
    LIMIT_DELETED = "LimitDeleted"


@dataclass(frozen=True, slots=True)
class LimitEvent:
    """Something that has happened. Of the same reason and `about` it is told once."""

    reason: StrEnum
    note: str
    about: str
    warning: bool = True


def of_report(before: Report | None, now: Report) -> Iterator[LimitEvent]:
    """Yield what has happened to a symbol since the report `before`."""
    halts = (before.halts or ()) if before else ()
    for halt in now.halts or ():
        if halt not in halts:
            yield LimitEvent(LeaderReason.BUYS_HALTED, str(halt), str(halt))
    if halts and now.halts == ():
        why, about = "no halt stands any more", "; ".join(map(str, halts))
        yield LimitEvent(LimitEventReason.BUYS_RESUMED, why, about, warning=False)
    known = {problem.reason for problem in before.problems} if before else set()
    for problem in now.problems:
        if problem.reason is LeaderReason.LIMIT_REACHED and problem.reason not in known:
            # The amounts behind the colon differ each time.
            yield LimitEvent(problem.reason, problem.message, problem.message.partition(":")[0])


def of_limit(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[LimitEvent]:
    """Yield what has happened to a limit between two of its statuses."""
    was, is_now = conditions_by_type(before), conditions_by_type(now)
    for kind, reason, separator in _PARTS:
        known = _parts(was.get(kind, {}), separator)
        new = [part for part in _parts(is_now[kind], separator) if part not in known]
        if new:
            yield LimitEvent(reason, separator.join(new), separator.join(new))
    halted = was.get(LimitConditionType.HALTED, {})
    if _holds(halted) and not _holds(is_now[LimitConditionType.HALTED]):
        since = text(halted, "lastTransitionTime")
        why = "no halt stands any more"
        yield LimitEvent(LimitReason.NOT_HALTED, why, since, warning=False)


def deleted() -> LimitEvent:
    """Return that a limit was deleted, and what that means."""
    note = "It was deleted and holds no longer. A halt stays until a person resumes."
    return LimitEvent(LimitEventReason.LIMIT_DELETED, note, "", warning=False)


def _holds(condition: Mapping[str, Any]) -> bool:
    return text(condition, "status") == "True"


def _parts(condition: Mapping[str, Any], separator: str) -> list[str]:
    return text(condition, "message").split(separator) if _holds(condition) else []


class EventPoster:
    """Posts Events. They are best effort: what the API server does not take is logged."""

    def __init__(
        self, api: CustomObjectsApi, instance: str, warn: Tell, clock: Callable[[], datetime]
    ) -> None:
        """Post through an open client, as the pod `instance`."""
        self._api = api
        self._instance = instance
        self._warn = warn
        self._clock = clock

    async def post(self, resource: Document, events: Iterable[LimitEvent]) -> None:
        """Post Events about a resource; one that was posted already is left alone."""
        for event in events:
            try:
                await self._post(resource, event)
            except (ApiException, aiohttp.ClientError, OSError, TimeoutError) as exc:
                if not isinstance(exc, ApiException) or exc.status != _TOLD_BEFORE:
                    self._warn("an Event was not posted", f"{event.reason}, {event.note}: {exc!r}")

    async def _post(self, resource: Document, event: LimitEvent) -> None:
        body = event_document(
            resource,
            event_name(resource, event.reason, event.about),
            reason=str(event.reason),
            note=event.note,
            warning=event.warning,
            action="EnforceLimits",
            now=self._clock(),
            manager=LEADER_FIELD_MANAGER,
            instance=self._instance,
        )
        await self._api.create_namespaced_custom_object(
            group=EVENTS_GROUP,
            version=EVENTS_VERSION,
            namespace=text(mapping(resource, "metadata"), "namespace"),
            plural=EVENTS_PLURAL,
            body=body,
            _request_timeout=REQUEST_S,
        )
