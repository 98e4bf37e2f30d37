"""`kubectl trading`: TradingSymbols from a terminal.

`symbols` reads a resource, `verbs` decides what to write and say; `table`, `output`, `explaining`
and `story` lay out what is shown, `remedies` and `ownership` say what to do: all pure.
`connection` and `cluster` are the door to the API server, `pods` that into a leader's pod.
`options` is what the commands share, `commands` has them, and `__main__` lists them.
"""
