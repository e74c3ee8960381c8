"""`python -m sfr`."""

from sfr.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
