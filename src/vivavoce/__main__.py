"""`python -m vivavoce` runs the command line."""

import sys

from vivavoce.cli import main

sys.exit(main())
