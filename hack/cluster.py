#!/usr/bin/env python3
"""The local cluster of this project: `python3 hack/cluster.py --help`.

Needs Python 3.11 and its standard library, nothing else: it runs before any virtual environment
exists. The work is done by the package `localcluster` next to this file.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older one has to be told
    sys.exit("cluster.py needs Python 3.11 or newer; this is " + sys.version.split()[0])

from localcluster.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
