"""The values passed to notification channels, and the error that they raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sfr.config.email_settings import Email
from sfr.redaction import Secret
from sfr.results import RunStats

#: The value of a channel's setting.
Target: TypeAlias = Secret | tuple[str, ...] | Email


@dataclass(frozen=True, slots=True)
class Ending:
    """The result of a run, secrets masked."""

    run: RunStats
    #: The summary table.
    summary_text: str
    #: The JSON summary; None if none was written.
    json_path: str | None
    #: The configuration file's name without suffix; empty if unknown.
    config_name: str = ""
    #: What `notify.webhook` posts; None = the run's own.
    document: bytes | None = None
    #: What `run.reports` are: reports, or a fleet's orgs.
    noun: str = "report"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Timeout, proxy and trusted authorities of a channel; the latter two are those of `salesforce`."""

    timeout_s: float
    #: As `salesforce.proxy`.
    proxy: Secret | str | None = None
    #: As `salesforce.ca_bundle`.
    ca_bundle: str | None = None


class NotifyError(Exception):
    """A notification failed. The text is the reason and contains no secret."""
