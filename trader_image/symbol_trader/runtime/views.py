"""Views of everything on the exchange's side, and the trade up to which they were taken in."""

from collections.abc import Callable

from symbol_trader.core.events import ViewRead
from symbol_trader.core.leader import Leader
from symbol_trader.ports import Exchange, Record
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.reading import Reader


class Views:
    """Views of one term's exchange, one at a time, each from the watermark on."""

    def __init__(
        self,
        leader: Leader,
        *,
        exchange: Exchange,
        record: Record,
        mailbox: Mailbox,
        watermark: int,
        on_progress: Callable[[], None],
    ) -> None:
        """Look over open connections; `on_progress` is called while reading advances."""
        self._leader = leader
        self._record = record
        self._mailbox = mailbox
        self._watermark = watermark
        self._reader = Reader(exchange, record, on_progress)
        self.being_read = False
        """A look is under way whose view will come into the mailbox."""

    async def read(self) -> ViewRead:
        """Read everything."""
        view, newest = await self._reader.read(self._leader, self._watermark)
        return ViewRead(view, newest)

    async def look(self) -> None:
        """Read everything, and bring it as an event."""
        self.being_read = True
        try:
            self._mailbox.put_nowait(await self.read())
        finally:
            self.being_read = False

    async def taken_in(self, newest: int) -> None:
        """Advance the watermark to a trade once its view is on record and leaves nothing open.

        While an order is in doubt, or one is not on record, its trades are read again next time.
        """
        settled = not self._leader.orders_in_doubt and not self._leader.unrecorded_orders
        if settled and newest > self._watermark:
            await self._record.advance_watermark(newest)
            self._watermark = newest
