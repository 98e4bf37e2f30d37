"""A live key is looked at before it trades, once a day, and whenever it is another one."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from symbol_trader.binance.keys import Key
from symbol_trader.binance.permissions import KeyPermissions, refusal
from symbol_trader.errors import BadCredentials, Unavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 86_400.0
LOOK_AGAIN_S: Final = 3_600.0
"""After a look that was not possible."""

Look = Callable[[Key, int], Awaitable[KeyPermissions]]
"""Asks what a key may do, at an exchange time in milliseconds. Raises `Unavailable`,
`BadCredentials`."""


class KeyGuard:
    """Remembers from session to session which key was found harmless, and when.

    `clock_s` is monotonic; `warn` is told what a person should know of a key that trades, and None
    once that is over.
    """

    def __init__(
        self,
        look: Look,
        *,
        allow_unrestricted: bool,
        clock_s: Callable[[], float],
        warn: Callable[[str | None], None],
    ) -> None:
        self._look = look
        self._allow_unrestricted = allow_unrestricted
        self._clock_s = clock_s
        self._warn = warn
        self._passed: Key | None = None
        self._due_s = 0.0

    async def admit(self, key: Key, now_ms: int) -> None:
        """Let a key begin to trade. Raises `Unavailable` where that cannot be found out.

        Raises `BadCredentials` for a key that must not.
        """
        if key == self._passed:
            await self.look_again(key, now_ms)
        else:
            await self._check(key, now_ms)

    async def look_again(self, key: Key, now_ms: int) -> None:
        """Look at a key that trades, if it is time. Raises `BadCredentials`.

        Where that is not possible it goes on: its permissions were in order a day ago.
        """
        if self._clock_s() < self._due_s:
            return
        try:
            await self._check(key, now_ms)
        except Unavailable as exc:
            self._due_s = self._clock_s() + max(LOOK_AGAIN_S, exc.retry_in_s or 0.0)
            log.warning("the daily look at the key was not possible: %s", exc)
            self._warn(f"what the key may do was not checked for over a day: {exc}")

    async def _check(self, key: Key, now_ms: int) -> None:
        permissions = await self._look(key, now_ms)
        if why := refusal(permissions, allow_unrestricted=self._allow_unrestricted):
            self._passed = None
            raise BadCredentials(why)
        self._passed = key
        self._due_s = self._clock_s() + LOOK_EVERY_S
        self._warn(None)
