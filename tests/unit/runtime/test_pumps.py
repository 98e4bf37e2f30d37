"""What a term looks at from time to time, and when it leaves the exchange alone."""

import asyncio
from dataclasses import dataclass, field

from symbol_trader.runtime.mailbox import Mailbox
from symbol_trader.runtime.pumps import Pumps
from unit.runtime import virtual


@dataclass
class Everything:
    """The record, the exchange and the views of it, as far as a look needs them."""

    rooms: list[bool]
    held_until: int | None = None
    log: list[str] = field(default_factory=list)

    async def confirm(self) -> None:
        self.log.append("confirmed")

    async def settled_meanwhile(self) -> bool:
        return False

    def held_until_ms(self) -> int | None:
        return self.held_until

    async def has_room(self) -> bool:
        return self.rooms.pop(0)

    async def look(self) -> None:
        self.log.append("looked")

    async def user_events(self) -> None:
        await asyncio.Event().wait()


def looks(everything: Everything, seconds: float) -> list[str]:
    """Return what is done in so many seconds, with a look each minute."""

    async def story() -> None:
        pumps = Pumps(
            ownership=everything,  # type: ignore[arg-type]  # a stand-in has what is used
            record=everything,  # type: ignore[arg-type]  # a stand-in has what is used
            exchange=everything,  # type: ignore[arg-type]  # a stand-in has what is used
            mailbox=Mailbox(),
            views=everything,  # type: ignore[arg-type]  # a stand-in has what is used
            timer_s=3_600,
            reconcile_s=60,
            beside=(),
        )
        looking = asyncio.create_task(pumps._pump_views())
        await asyncio.sleep(seconds)
        looking.cancel()

    virtual.run(story())
    return everything.log


def test_a_look_is_left_out_where_others_ask_all_that_may_be_asked() -> None:
    """The record is asked all the same."""
    everything = Everything(rooms=[True, False, True])
    assert looks(everything, 190) == ["confirmed", "looked", "confirmed", "confirmed", "looked"]


def test_during_a_ban_nobody_asks_whether_there_is_room() -> None:
    assert looks(Everything(rooms=[], held_until=1), 130) == ["confirmed", "confirmed"]
