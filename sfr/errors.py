"""Defines all errors that SFR raises, their exit codes and the kinds of report failures.

    SfrError
    ├── UsageError           2  the command line, configuration or report list is wrong
    │   ├── ConfigurationError
    │   └── ReportListError
    ├── LogInError           3  Salesforce refused the log-in, or the session cannot be used
    ├── RunActiveError       6  another run holds the lock of the output directory
    │   └── LeaseLostError      ... or has taken it over from this one
    ├── BugError             1  SFR itself crashed
    ├── OutputError          5  the requested output cannot be written to standard output
    ├── DirectoryError       5  the output directory of a fleet cannot be used
    ├── DeliveryError           a destination did not take a report file; the run continues
    └── ReportError             one report failed; the run continues (see `ErrorKind`)

Imports nothing from the rest of the package. Errors are passed between processes as values (`ErrorKind` and a message
inside `Processed`), never as exceptions.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """Exit codes of `python sfr.py`. The signals take precedence over 3, then 5, 4, 0."""

    SUCCESS = 0
    BUG = 1
    USAGE = 2
    LOG_IN = 3
    SOME_FAILED = 4
    NONE_SAVED = 5
    RUN_ACTIVE = 6
    SIGINT = 130
    SIGTERM = 143


class ErrorKind(StrEnum):
    """The `error` column of the summary: why a report failed."""

    AUTH = "auth"
    CHALLENGE = "challenge"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NOT_CSV = "not_csv"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    NETWORK = "network"
    DISK = "disk"
    WORKER = "worker"
    DELIVERY = "delivery"
    GUARD = "guard"
    INTERRUPTED = "interrupted"
    INVALID = "invalid"


REMEDIES: dict[ErrorKind, str] = {
    ErrorKind.AUTH: "Check the log-in method and the user's API access; a given session id must still be valid.",
    ErrorKind.CHALLENGE: "Salesforce requires a second factor; log in with a token, or use `route: analytics`.",
    ErrorKind.FORBIDDEN: "Share the report's folder with the user, and give it `Run Reports` and `Export Reports`.",
    ErrorKind.NOT_FOUND: "Check the report id: the report may have been deleted, or belong to another org.",
    ErrorKind.NOT_CSV: "Open the report's URL in a browser as the same user to see Salesforce's answer.",
    ErrorKind.EMPTY: "If the report may have no rows, set `may_be_empty`; otherwise check its filters.",
    ErrorKind.TRUNCATED: "Narrow the report's filters so that it exports within 15 minutes, or run at a quieter time.",
    ErrorKind.TIMEOUT: "Narrow the report's filters, or raise `fetch.timeout_s`; Salesforce stops at 15 minutes.",
    ErrorKind.RATE_LIMITED: "Lower `fetch.threads`, or run when fewer programs use the org's API.",
    ErrorKind.SERVER: "See https://status.salesforce.com for the instance, and run again later.",
    ErrorKind.NETWORK: "Check DNS, firewall, proxy and `salesforce.domain` from this machine.",
    ErrorKind.DISK: "Free some disk space, or correct the permissions of the report's directory.",
    ErrorKind.WORKER: "Check the kernel log for out-of-memory messages; allow more memory, or use fewer workers.",
    ErrorKind.DELIVERY: "Correct what stopped the delivery, and run with `--resume`, which delivers what is missing.",
    ErrorKind.GUARD: "Compare the new report with the old one; relax the guard if the change is intended.",
    ErrorKind.INTERRUPTED: "Run again with `--resume` to fetch only what is missing.",
    ErrorKind.INVALID: "Change the report or its row in the list as described.",
}
"""What a user can do about each kind, unless the error itself has a more specific remedy."""

ODD_ANSWER_REMEDY = "Look for a proxy or gateway that changes answers, and run again."
"""The remedy for answers that Salesforce is not known to send, other than pages."""

RETRIED_KINDS = frozenset(
    {
        ErrorKind.TIMEOUT,
        ErrorKind.NETWORK,
        ErrorKind.TRUNCATED,
        ErrorKind.EMPTY,
        ErrorKind.SERVER,
        ErrorKind.RATE_LIMITED,
    }
)
"""Kinds that are retried, unless the error is `permanent`. `auth` is retried once, with a renewed session."""


class SfrError(Exception):
    """Base of all errors that SFR raises deliberately; the text is for the user.

    `exit_code` is the program's exit code if the error is not handled.
    """

    exit_code: ExitCode = ExitCode.SOME_FAILED


class BugError(SfrError):
    """SFR crashed. Replaces the original exception, whose text may contain a secret; the log has it, masked."""

    exit_code = ExitCode.BUG


class UsageError(SfrError):
    """The command line, configuration or report list is wrong; nothing was fetched.

    Holds *all* problems found, one complete sentence each.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class ConfigurationError(UsageError):
    """The YAML configuration is wrong. Each problem names file, key path and what is expected."""


class ReportListError(UsageError):
    """The report list is wrong. Each problem names file, line, column and what is wrong."""


class LogInError(SfrError):
    """Salesforce refused the log-in, or its session cannot be used. Never retried with the same credentials."""

    exit_code = ExitCode.LOG_IN


class RunActiveError(SfrError):
    """Another run holds the lock of this output directory."""

    exit_code = ExitCode.RUN_ACTIVE


class LeaseLostError(RunActiveError):
    """Another run has taken the output directory over from this one."""


class OutputError(SfrError):
    """The requested output cannot be written to standard output."""

    exit_code = ExitCode.NONE_SAVED


class SchedulerError(SfrError):
    """The scheduler of a fleet, or its workers, cannot be reached."""

    exit_code = ExitCode.NONE_SAVED


class DirectoryError(SfrError):
    """The output directory of a fleet cannot be used; nothing was started."""

    exit_code = ExitCode.NONE_SAVED


class DeliveryError(SfrError):
    """A destination did not take a report file. What it showed before is unchanged, or it shows the whole new content.

    is_transient: True if another attempt may help: network, time-out, a busy server, a lock.
    is_unreachable: True if it concerns the destination, not the report: network, time-out, log-in.
    """

    def __init__(self, message: str, *, is_transient: bool = False, is_unreachable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_transient = is_transient
        self.is_unreachable = is_unreachable


class ReportError(SfrError):
    """One report (or one request made for it) failed.

    kind: the summary's `error`.
    message: what happened and what was expected, one or two sentences, no secret.
    remedy: what to do; None uses the one of the kind in `REMEDIES`.
    http_status: response status, None if there was no response.
    retry_after_s: the wait that the server requested, None if it did not.
    permanent: True if a retry cannot help, whatever the kind.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        remedy: str | None = None,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        permanent: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.remedy = REMEDIES[kind] if remedy is None else remedy
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.permanent = permanent

    @property
    def is_retryable(self) -> bool:
        """Whether a retry may help."""
        return self.kind in RETRIED_KINDS and not self.permanent

    @property
    def concerns_every_report(self) -> bool:
        """Whether it affects all reports: a second factor for the session, or an obstacle for the user."""
        return self.kind is ErrorKind.CHALLENGE or (self.kind is ErrorKind.AUTH and self.permanent)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
