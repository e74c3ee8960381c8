"""Launcher, so that `python sfr.py` works from a checkout: the program is the package `sfr`."""

if __name__ == "__main__":
    from sfr.cli import main

    raise SystemExit(main())
