"""The configuration as values: frozen dataclasses whose attribute path is the YAML key path.

The root of the tree; its sections stand in the `*_settings` modules beside it, which declare every option once, with
documentation, default and limits. Reads nothing (see `sfr.config.load`). Names that end in `_s` are seconds, in
`_bytes` bytes. Paths are absolute once loaded. The settings of a log-in method stand with the
method, in `sfr/salesforce/auth/`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.config.checks import check_timezone
from sfr.config.fetch_settings import Backoff, Fetch, Workers
from sfr.config.fields import option
from sfr.config.log_settings import ConsoleLog, FileLog, Logging
from sfr.config.org_settings import EMULATOR, ReportItem, Reports, Salesforce
from sfr.config.output_settings import DEFAULT_SUMMARY, Guards, History, Notify, Output, SummaryTarget
from sfr.redaction import Redactor

__all__ = [
    "EMULATOR",
    "Backoff",
    "Config",
    "ConsoleLog",
    "Fetch",
    "FileLog",
    "Guards",
    "History",
    "LoadedConfig",
    "Logging",
    "Notify",
    "Output",
    "ReportItem",
    "Reports",
    "Salesforce",
    "SummaryTarget",
    "Workers",
]


def _within(directory: str, name: str) -> str:
    return f"{directory.rstrip('/')}/{name}"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `conf/*.yaml` says, checked. Built by `sfr.config.load.load_config`."""

    salesforce: Salesforce = option("The org and the log-in.")
    reports: Reports = option("What to fetch.", default_factory=Reports)
    fetch: Fetch = option("Downloads: threads, time limits, retries.", default_factory=Fetch)
    workers: Workers = option("Worker processes.", default_factory=Workers)
    output: Output = option("Report files.", default_factory=Output)
    summary: tuple[SummaryTarget, ...] = option(
        "Summaries of the run, any number; the default is csv, json and html.", default=DEFAULT_SUMMARY
    )
    history: History = option("What earlier runs did.", default_factory=History)
    timezone: str = option(
        "Of dates in names and parameters: `local`, `UTC` or an IANA name such as `Europe/Berlin`.",
        default="local",
        check=check_timezone,
    )
    notify: Notify = option("Who is told how a run ended.", default_factory=Notify)
    guards: Guards = option("What must hold of a new report.", default_factory=Guards)
    logging: Logging = option("Log lines.", default_factory=Logging)

    @property
    def state_directory(self) -> str:
        """`<output.directory>/.sfr`: lock, history and run files."""
        return _within(self.output.directory, ".sfr")

    @property
    def history_path(self) -> str:
        """Where the history is: `history.path` or its default."""
        return self.history.path or _within(self.state_directory, "history.sqlite3")

    @property
    def lock_path(self) -> str:
        """The lock that keeps two runs out of one output directory."""
        return _within(self.state_directory, "lock")

    def summary_path(self, target: SummaryTarget) -> str:
        """Where a summary is written: its `path` or its default."""
        return target.path or _within(self.output.directory, f"summary_report.{target.format}")


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration, and what loading it brought to light."""

    config: Config
    #: Knows every secret of the configuration.
    redactor: Redactor
    #: Environment variables whose values were used as secrets: they leave `os.environ` for the time of the run.
    secret_variables: frozenset[str] = frozenset()
    #: Sentences for the log: nothing that keeps a run from starting.
    warnings: tuple[str, ...] = ()
