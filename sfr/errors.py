"""Every error SFR raises, with its exit code, and the value by which a report's failure travels.

    SfrError
    ├── UsageError           2  the command line, configuration or report list is wrong
    │   ├── ConfigurationError
    │   └── ReportListError
    ├── LogInError           3  Salesforce refused the log-in, or the session cannot be used
    ├── RunActiveError       6  another run holds the lock of the output directory
    ├── BugError             1  SFR itself broke
    ├── OutputError          5  what was asked for cannot be written to standard output
    └── ReportError             one report failed; the run goes on (see `ErrorKind`)

Nothing here imports from the rest of the package. Errors cross process borders as values
(`ErrorKind` and a message inside `ReportStats`), never as exceptions.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """What `python sfr.py` ends with. The signals outrank 3, then 5, 4, 0."""

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
    GUARD = "guard"
    INTERRUPTED = "interrupted"
    INVALID = "invalid"


REMEDIES: dict[ErrorKind, str] = {
    ErrorKind.AUTH: "Check the log-in method and that the user may use the API; a given session id must be fresh.",
    ErrorKind.CHALLENGE: "Salesforce wants a second factor from a person; log in with a token, use `route: analytics`.",
    ErrorKind.FORBIDDEN: "Share the report's folder with the user, and give it `Run Reports` and `Export Reports`.",
    ErrorKind.NOT_FOUND: "Check the report id: the report may have been deleted, or live in another org.",
    ErrorKind.NOT_CSV: "Open the report's URL in a browser as the same user to see what Salesforce answers.",
    ErrorKind.EMPTY: "If the report may have no rows, set `may_be_empty`; if not, look at its filters.",
    ErrorKind.TRUNCATED: "Narrow the report's filters so that it exports in under 15 minutes, or run at quieter hours.",
    ErrorKind.TIMEOUT: "Narrow the report's filters, or raise `fetch.timeout_s`; Salesforce stops at 15 minutes.",
    ErrorKind.RATE_LIMITED: "Lower `fetch.threads`, or run when fewer programs use the org's API.",
    ErrorKind.SERVER: "See https://status.salesforce.com for the instance, and run again later.",
    ErrorKind.NETWORK: "Check DNS, firewall, proxy and `salesforce.domain` from this machine.",
    ErrorKind.DISK: "Free space, or mend the permissions of the report's directory.",
    ErrorKind.WORKER: "Look for the kernel's out-of-memory messages; give the service more memory or fewer workers.",
    ErrorKind.GUARD: "Compare the new report with the old one; loosen the guard if the change is right.",
    ErrorKind.INTERRUPTED: "Run again with `--resume` to fetch only what is missing.",
    ErrorKind.INVALID: "Change the report or its row in the list as the message says.",
}
"""What a user can do about each kind, where the error itself names nothing better."""

ODD_ANSWER_REMEDY = "Look for a proxy or gateway that changes answers, and run again."
"""The same about an answer that Salesforce is not known to give, other than a page in place of an export."""

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
"""Kinds that another attempt may mend, unless the error says `permanent`. `auth` is asked again after one renewal."""


class SfrError(Exception):
    """Base of every error SFR raises on purpose; its text is meant for the user.

    `exit_code` is what the program ends with if nobody handles the error.
    """

    exit_code: ExitCode = ExitCode.SOME_FAILED


class BugError(SfrError):
    """SFR broke. Stands in for the exception that says how: its text may hold a secret. The log has it, masked."""

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
    """Salesforce refused the log-in, or the session it gave cannot be used. Never tried again as it was."""

    exit_code = ExitCode.LOG_IN


class RunActiveError(SfrError):
    """Another run holds the lock of this output directory."""

    exit_code = ExitCode.RUN_ACTIVE


class OutputError(SfrError):
    """Standard output takes no more, and what was asked for was to go there."""

    exit_code = ExitCode.NONE_SAVED


class ReportError(SfrError):
    """One report (or one request made for it) failed.

    kind: the summary's `error`.
    message: what happened and what was expected, one or two sentences, no secret.
    remedy: what to do; None takes the kind's own from `REMEDIES`.
    http_status: of the answer that told it, None where there was none.
    retry_after_s: what the server asked to wait, None where it did not.
    permanent: True if no other attempt can help, whatever the kind.
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
        """Whether another attempt may end better."""
        return self.kind in RETRIED_KINDS and not self.permanent

    @property
    def concerns_every_report(self) -> bool:
        """Whether it is not one report's: a second factor for the session, or something that bars the user."""
        return self.kind is ErrorKind.CHALLENGE or (self.kind is ErrorKind.AUTH and self.permanent)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
