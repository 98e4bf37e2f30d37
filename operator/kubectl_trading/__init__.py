"""`kubectl trading`: start, stop, shut down, look at and audit TradingSymbols from a terminal.

`symbols` reads a resource, `verbs` decides what to write and say, `table` lays it out: all pure.
`cluster` is the one door to the API server.
"""
