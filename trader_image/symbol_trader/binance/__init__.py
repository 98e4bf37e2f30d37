"""Binance Spot over WebSockets: what is said (pure), one session's life (sans-I/O), the sockets.

`requests` and `replies` and `events` translate between the core's values and Binance's JSON,
`verdicts` judges replies, `session` matches them to requests; none of these knows a socket.
`client` and `market` move the bytes and fill the ports `Exchange` and `Market`.
"""
