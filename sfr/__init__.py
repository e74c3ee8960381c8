"""SFR (SF's Rout): downloads Salesforce reports unattended.

`sfr.run("conf/prod.yaml")` does what `python sfr.py --config conf/prod.yaml` does, and returns the summary's values.
Importing this package loads next to nothing.
"""

from __future__ import annotations

from sfr.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfr.results import RunStats

__all__ = ["__version__", "run"]


def run(config: str, reports: Sequence[Mapping[str, object]] | None = None) -> RunStats:
    """Download the reports of a configuration and say how each ended.

    config: path of the YAML file.
    reports: mappings with the report list's column names as keys, instead of the configured list.

    Works from a script without a `__main__` guard, a notebook and a thread; installs signal handlers only on the
    main thread. Raises `sfr.errors.UsageError` for what the program ends with exit code 2 and `RunActiveError` for 6;
    every other outcome is a value, its `exit_code` included.
    """
    from sfr.commands.run import run_configured

    return run_configured(config, reports)
