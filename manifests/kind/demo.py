#!/usr/bin/env python3
"""The demonstration: `python3 manifests/kind/demo.py --help`, or `make demo`.

Needs Python 3.11 and its standard library, nothing else. The work is done by the packages
`demonstration` and `localcluster` next to this file.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older one has to be told
    sys.exit("demo.py needs Python 3.11 or newer; this is " + sys.version.split()[0])

from demonstration.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
