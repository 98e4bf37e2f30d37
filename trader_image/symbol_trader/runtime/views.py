"""Views of everything on the exchange's side, and the trade up to which they were taken in."""

from collections.abc import Callable

from symbol_trader.core.events import ViewRead
from symbol_trader.core.leader import Leader
from symbol_trader.core.records import Watermark
from symbol_trader.ports import Exchange, Record
from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.reading import Page, Reader, Trades


class Views:
    """Views of one term's exchange, one at a time, each from the watermark on."""

    def __init__(
        self,
        leader: Leader,
        *,
        exchange: Exchange,
        record: Record,
        mailbox: Mailbox,
        watermark: Watermark,
        on_progress: Callable[[], None],
        on_trades_read: Callable[[], None],
    ) -> None:
        """Look over open connections; `on_progress` is called while reading advances.

        `on_trades_read` is called after each look that has read the trades.
        """
        self._leader = leader
        self._record = record
        self._mailbox = mailbox
        self._watermark = watermark
        self._reader = Reader(exchange, record, on_progress)
        self._on_trades_read = on_trades_read
        self.being_read = False
        """A look is under way whose view will come into the mailbox."""

    async def read(self, trades: Trades = Trades.ALL, page: Page | None = None) -> ViewRead:
        """Read everything; of the trades as much as is asked for. See `Reader.read`."""
        view, newest = await self._reader.read(self._leader, self._watermark, trades, page)
        if trades is not Trades.LATER:
            self._on_trades_read()
        return ViewRead(view, newest)

    async def look(self) -> None:
        """Read everything, and bring it as an event."""
        self.being_read = True
        try:
            self._mailbox.put_nowait(await self.read())
        finally:
            self.being_read = False

    async def taken_in(self, newest: Watermark) -> None:
        """Advance the watermark to a trade once its view is on record and leaves nothing open.

        While an order is in doubt, or one is not on record, its trades are read again next time.
        """
        settled = not self._leader.orders_in_doubt and not self._leader.unrecorded_orders
        if settled and self._watermark.precedes(newest):
            await self._record.advance_watermark(newest)
            self._watermark = newest
