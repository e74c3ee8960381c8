"""Launcher, so that `python sfr.py` works from a checkout: the program is the package `sfr`."""

if __name__ == "__main__":
    import os
    import sys

    # `python -P` and `python -I` leave it out.
    program_directory = os.path.dirname(os.path.abspath(__file__))
    if program_directory not in sys.path:
        sys.path.insert(0, program_directory)

    from sfr.launcher import main

    raise SystemExit(main())
