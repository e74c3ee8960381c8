"""Rules that recognise errors of Salesforce's REST APIs and say what they mean. Pure; the table is in `fault_codes`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sfr.errors import ErrorKind, ReportError


class Subject(StrEnum):
    """What a request concerns, and therefore what its error response concerns."""

    #: A classic export, or a request of unknown kind.
    EXPORT = "export"
    #: The org itself: its limits, its list of reports.
    ORG = "org"
    #: A report, through the Analytics API.
    REPORT = "report"
    #: An asynchronous report run that Salesforce has accepted.
    REPORT_RUN = "report run"
    #: A query, through the Bulk API.
    QUERY = "query"
    #: An existing query job: its state, its results.
    QUERY_JOB = "query job"

    @property
    def is_query(self) -> bool:
        """Whether the request belongs to a query rather than a report."""
        return self in QUERIES

    @property
    def is_accepted(self) -> bool:
        """Whether Salesforce has already accepted the work, so that a 4xx cannot mean a wrong request."""
        return self in (Subject.QUERY_JOB, Subject.REPORT_RUN)


QUERIES = frozenset({Subject.QUERY, Subject.QUERY_JOB})
ANALYTICS = frozenset({Subject.REPORT, Subject.REPORT_RUN})
_EVERY = frozenset(Subject)


class RunsSpentError(ReportError):
    """The org's report runs for this hour are used up: no retry can succeed before the hour has passed."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One line of the table.

    codes: error codes that it matches, without underscores, since the APIs disagree on them; empty: any code.
    text: a pattern that has to occur in the message, if any.
    is_transient: whether a retry can succeed.
    subjects: the requests that it applies to.
    lead: what happened, in the user's words; empty: the status is explanation enough.
    remedy, query_remedy: what to do about a report, and about a query if different; empty: the kind's default.
    """

    kind: ErrorKind
    is_transient: bool
    codes: frozenset[str] = frozenset()
    text: str = ""
    subjects: frozenset[Subject] = _EVERY
    lead: str = ""
    remedy: str = ""
    query_remedy: str = ""
    error: type[ReportError] = ReportError

    def remedy_for(self, subject: Subject) -> str | None:
        """What to do; None to use the kind's default remedy."""
        return (self.query_remedy if subject.is_query else "") or self.remedy or default_remedy(self.kind, subject)

    def fits(self, code: str, message: str, subject: Subject) -> bool:
        """Whether the rule matches this fault. code: normalised, empty to match by text alone."""
        if subject not in self.subjects or (self.codes and code not in self.codes):
            return False
        return not self.text or re.search(self.text, message, re.IGNORECASE) is not None


_QUERY_REMEDIES = {
    ErrorKind.INVALID: "Correct the query in the list's `soql` column; its fields must exist and be visible to the "
    "user.",
    ErrorKind.FORBIDDEN: "Give the user Read permission on the query's object and on each of its fields (profile or "
    "permission set), and the permission `API Enabled`.",
    ErrorKind.NOT_FOUND: "Check that the query's object and fields exist in this org, that the user has permission to "
    "see them, and that the org supports `salesforce.api_version`.",
    ErrorKind.TIMEOUT: "Make the query smaller: a WHERE on an indexed field such as CreatedDate, fewer fields, no "
    "sorting; or raise `fetch.timeout_s`.",
}
_ORG_REMEDIES = {
    ErrorKind.FORBIDDEN: "Give the user the permissions `API Enabled` and `Run Reports`.",
    ErrorKind.NOT_FOUND: "Set `salesforce.api_version` to `latest`, or to a version that the org supports.",
}
_ANALYTICS_REMEDIES = {
    ErrorKind.INVALID: "Change the report as described above, or use `route: classic` for it.",
}


def default_remedy(kind: ErrorKind, subject: Subject) -> str | None:
    """What to do if the code gives no better remedy; None to use the kind's default (`REMEDIES`)."""
    if subject.is_query:
        return _QUERY_REMEDIES.get(kind)
    if subject is Subject.ORG:
        return _ORG_REMEDIES.get(kind)
    return _ANALYTICS_REMEDIES.get(kind) if subject in ANALYTICS else None


def codes(names: str) -> frozenset[str]:
    """A set of codes from a space-separated list."""
    return frozenset(map(normalised, names.split()))


def normalised(code: str) -> str:
    """The code as it is compared: `InvalidJobState`, `INVALIDJOBSTATE` and `INVALID_JOB_STATE` become equal."""
    return code.replace("_", "").upper()
