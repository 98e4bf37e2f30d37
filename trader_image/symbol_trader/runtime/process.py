"""What the parts of a leader's process share while its terms come and go."""

import asyncio
from dataclasses import dataclass

from symbol_trader.runtime.desired import DesiredState
from symbol_trader.runtime.session import Session


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What is asked for, what is in session, and whether the process is to end."""

    desired: DesiredState
    session: Session
    stopped: asyncio.Event
    """Set once the process is asked to end."""
