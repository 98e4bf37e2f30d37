"""A working bot on one machine, with nothing but Python: `make try`.

`cli` is what a person calls. `request` and `resource` decide and are pure; `place` knows the files;
`database`, `part`, `guard` and `stop` start and end things; `running` puts them together, and
`observer` looks. What is shown is the demonstration's view.
"""
