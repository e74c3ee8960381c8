"""`python -m sfr`.

Python searches the working directory first for `-m`. It leaves the search path before the program imports anything.
"""

import sys

from sfr.search_path import without_working_directory

if __name__ == "__main__":
    sys.path[:] = without_working_directory(sys.path)
    from sfr.launcher import main

    raise SystemExit(main())
