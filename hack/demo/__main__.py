"""The demonstration: `python3 hack/demo --help`, or `make demo`.

Needs Python 3.11 and its standard library, nothing else. The work is done by the package that
this file is part of, and by its neighbour `localcluster`.
"""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older one has to be told
    sys.exit("the demonstration needs Python 3.11 or newer; this is " + sys.version.split()[0])

# Called by its folder's name Python looks for modules in that folder, not beside it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from demo.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
