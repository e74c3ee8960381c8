"""SFR downloads Salesforce reports unattended.

`sfr.run("conf/prod.yaml")` does what `python sfr.py --config conf/prod.yaml` does, and returns the summary's values.
Importing this package loads next to nothing.
"""

from __future__ import annotations

from sfr.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sfr.results import RunStats

__all__ = ["__version__", "run", "table"]


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


def table(config: str, report: str, *, filters: str = "", route: str = "auto", types: str = "infer") -> Any:
    """Fetch one report and return its rows as a pyarrow table (extra `parquet`), for notebooks and scripts.

    config: path of the YAML file, of which only org, log-in and limits count.
    report: id or address. filters, route: as in the report list. types: `infer` or `text`.

    Keeps no file, writes no summary and no history, delivers nothing. Raises `sfr.errors.SfrError`: with the report's
    message if it failed, `UsageError` for wrong arguments.
    """
    from sfr.commands.table import fetch_table

    return fetch_table(config, report, filters, route, types)
