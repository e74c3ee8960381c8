"""The configuration: frozen models whose attribute paths are the YAML key paths.

The root of the tree; its sections are in the `*_settings` modules, which declare every option once, with
description, default and limits. Reads no files (see `sfr.config.load`). Names ending in `_s` are seconds, in
`_bytes` bytes. Paths are absolute. The settings of a log-in method are with the method, in `sfr/salesforce/auth/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from sfr.config.destination_settings import Deliveries, Destinations
from sfr.config.fetch_settings import Fetch, Workers
from sfr.config.log_settings import Logging
from sfr.config.org_settings import Reports, Salesforce
from sfr.config.output_settings import DEFAULT_SUMMARY, Guards, History, Notify, Output, SummaryTarget
from sfr.config.time_zone import find_zone
from sfr.options.section import Section
from sfr.options.types import Text
from sfr.redaction import Redactor


def _within(directory: str, name: str) -> str:
    return f"{directory.rstrip('/')}/{name}"


def _check_time_zone(name: str) -> str:
    find_zone(name)
    return name


class Config(Section):
    """The validated configuration. Built by `sfr.config.load.load_config`."""

    salesforce: Salesforce = Field(description="Org and authentication.")
    reports: Reports = Field(default_factory=Reports, description="Reports to fetch.")
    fetch: Fetch = Field(default_factory=Fetch, description="Downloads: threads, timeouts, retries.")
    workers: Workers = Field(default_factory=Workers, description="Worker processes.")
    output: Output = Field(default_factory=Output, description="Report files.")
    destinations: Destinations = Field(
        default={},
        description="Destinations by name, each of exactly one kind; a report goes to those that its row or "
        "`output.deliver` names.",
    )
    deliveries: Deliveries = Field(default_factory=Deliveries, description="Deliveries to destinations.")
    summary: tuple[SummaryTarget, ...] = Field(
        default=DEFAULT_SUMMARY, description="Summaries of the run, any number; by default csv, json and html."
    )
    history: History = Field(default_factory=History, description="Record of earlier runs.")
    timezone: Annotated[Text, AfterValidator(_check_time_zone)] = Field(
        default="local",
        description="Time zone of dates in names and parameters: `local`, `UTC` or an IANA name such as "
        "`Europe/Berlin`.",
    )
    notify: Notify = Field(default_factory=Notify, description="Notifications.")
    guards: Guards = Field(default_factory=Guards, description="Checks that a new report must pass.")
    logging: Logging = Field(default_factory=Logging, description="Console and file logging.")

    @property
    def state_directory(self) -> str:
        """`<output.directory>/.sfr`: lock, history and run files."""
        return _within(self.output.directory, ".sfr")

    @property
    def history_path(self) -> str:
        """Path of the history: `history.path` or its default."""
        return self.history.path or _within(self.state_directory, "history.sqlite3")

    @property
    def lock_path(self) -> str:
        """The lock that prevents two runs in one output directory."""
        return _within(self.state_directory, "lock")

    def summary_path(self, target: SummaryTarget) -> str:
        """Path of a summary: its `path` or its default."""
        return target.path or _within(self.output.directory, f"summary_report.{target.format}")


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration, with its secrets and warnings."""

    config: Config
    #: Knows every secret of the configuration.
    redactor: Redactor
    #: Environment variables used as secrets: removed from `os.environ` for the duration of the run.
    secret_variables: frozenset[str] = frozenset()
    #: Warnings for the log; they do not prevent a run.
    warnings: tuple[str, ...] = ()
