"""An honest paper exchange that speaks Binance Spot's WebSocket API and market streams.

`core` decides (pure: no I/O, no clock, no randomness of its own), `market` supplies what the
outside world traded, `protocol` translates to and from Binance's JSON, `shell` owns sockets,
files and time.  `journal` is the record: written before anything is acknowledged or published.
"""
