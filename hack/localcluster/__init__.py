"""A Kubernetes cluster on this machine, and this project's images in it.

`cli` is what a person calls; each other module holds one idea. Decisions (`docker_choice`,
`build_inputs`, `dockerfile`, `versions`) are pure; `processes` is the only module that starts a
program.
"""
