"""Entry point of `python -m local.tools`."""

import sys

from local.tools.find import main

sys.exit(main(sys.argv[1:]))
