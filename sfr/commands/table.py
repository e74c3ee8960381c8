"""Implements `sfr.table`: one report as a pyarrow table, without files, summary, history or deliveries."""

from __future__ import annotations

import tempfile
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sfr.commands.planning import load_with_rows
from sfr.commands.run import run_loaded
from sfr.config.output_settings import Guards, History, Notify, Output
from sfr.errors import SfrError, UsageError
from sfr.formats import FORMATS

if TYPE_CHECKING:
    from sfr.config.settings import Config

_FORMAT, _NAME = "parquet", "report"


def fetch_table(config: str, report: str, filters: str, route: str, types: str) -> Any:
    """The rows of one report. Raises `UsageError` for wrong arguments, and `SfrError` for a report that failed."""
    if types not in ("text", "infer"):
        raise UsageError(f"types: expected `text` or `infer`; found {types!r:.40}")
    if str(route).strip().casefold() == "excel":
        raise UsageError("route: a workbook has no table; expected `auto`, `classic` or `analytics`")
    if missing := FORMATS[_FORMAT].missing_extra():
        raise UsageError(missing)
    row = {"report_type": "SFDC", "report_file_name": _NAME, "report_id": report, "filters": filters, "route": route}
    with tempfile.TemporaryDirectory(prefix="sfr-table-") as directory:
        loaded, reports = load_with_rows(config, [row], lambda own: _with_nothing_else(own, directory, types))
        (stats,) = run_loaded(loaded, reports, config).reports
        if not stats.valid:
            raise SfrError(stats.message)
        # Read as a whole, without memory mapping: the file is about to be removed.
        return import_module("pyarrow.parquet").read_table(stats.path, memory_map=False)


def _with_nothing_else(config: Config, directory: str, types: str) -> Config:
    """The configuration without everything that a run leaves behind outside `directory`."""
    output = Output.model_validate({"format": _FORMAT, "types": types, "footer": config.output.footer})
    return config.model_copy(
        update={
            "output": output.model_copy(update={"directory": directory}),
            "summary": (),
            "history": History(),
            "notify": Notify(),
            "guards": Guards(),
        }
    )
