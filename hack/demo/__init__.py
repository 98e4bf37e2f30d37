"""One symbol, traded on a local cluster while a person watches.

`cli` is what a person calls. Decisions (`recording`, `market`, `snapshot`, `screen`, `verdict`,
`advice`) are pure; `observer` asks the cluster, `showing` draws what it answers. `make try` shows
its leader with `showing` too.
"""
