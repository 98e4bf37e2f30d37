"""Binance Spot's WebSocket API and stream protocol, without sockets and without a clock."""
