"""`make krew`: the archives and the manifest by which krew installs `kubectl trading`.

krew wants a name that is not too general, so there it is `kubectl trading-symbols`. An archive has
all that the plug-in needs but Python: what is pure once, and what is compiled for each Python.
"""
