"""Opening WebSockets: the one place that knows how `websockets` is to be set up."""

import logging

from websockets.asyncio.client import ClientConnection, connect

from symbol_trader.binance.errors import FOREIGN, unreachable
from symbol_trader.binance.proxies import proxy_for
from symbol_trader.binance.settings import BinanceSettings
from symbol_trader.binance.tls import trusted

# At DEBUG `websockets` logs every frame, and with it API keys and signatures.
_WIRE_LOG = logging.getLogger(f"{__name__}.wire")
_WIRE_LOG.setLevel(logging.INFO)

_FRAMES_MAX = 64
"""Messages of the API that wait for its reader, which never waits for anything else."""


async def dial(
    url: str, settings: BinanceSettings, frames_max: int = _FRAMES_MAX
) -> ClientConnection:
    """Open one connection, through a proxy if the environment names one, over TLS for `wss`.

    Pings are answered, and sent, by the library: a peer that does not answer is given up, also one
    that is gone without a word. Raises `Unavailable`.
    """
    proxy = proxy_for(url)
    trust = trusted(settings.ca_file) if url.startswith("wss:") else None
    try:
        return await connect(
            url,
            proxy=proxy.address if proxy else None,
            ssl=trust,
            logger=_WIRE_LOG,
            compression=None,  # the messages are short, the memory for it is not
            open_timeout=settings.open_timeout_s,
            close_timeout=settings.close_timeout_s,
            ping_interval=settings.ping_interval_s,
            ping_timeout=settings.ping_timeout_s,
            max_size=settings.message_bytes_max,
            max_queue=frames_max,
        )
    except FOREIGN as exc:
        raise unreachable(url, exc, proxy) from exc
