"""`python -m local.host`."""

import sys

from local.host.cli import main

if __name__ == "__main__":
    sys.exit(main())
