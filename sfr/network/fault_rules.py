"""Rules on faults of Salesforce's REST APIs: how one is recognised, and what it says. Pure; table: `fault_codes`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sfr.errors import ErrorKind, ReportError


class Subject(StrEnum):
    """What a request was about, and so what a refusal of it is about."""

    #: A classic export, or a request of which nothing more is known.
    EXPORT = "export"
    #: The org: its limits, its list of reports.
    ORG = "org"
    #: A report, by the Analytics API.
    REPORT = "report"
    #: An asynchronous run of a report, which Salesforce has taken on.
    REPORT_RUN = "report run"
    #: A query, by the Bulk API.
    QUERY = "query"
    #: A query job that Salesforce has created: its state, its results.
    QUERY_JOB = "query job"

    @property
    def is_query(self) -> bool:
        """Whether the row of the report list is a query."""
        return self in QUERIES

    @property
    def is_accepted(self) -> bool:
        """Whether Salesforce has accepted the request before this one: there is nothing left to refuse in it."""
        return self in (Subject.QUERY_JOB, Subject.REPORT_RUN)


QUERIES = frozenset({Subject.QUERY, Subject.QUERY_JOB})
ANALYTICS = frozenset({Subject.REPORT, Subject.REPORT_RUN})
_EVERY = frozenset(Subject)


class RunsSpentError(ReportError):
    """The org's report runs of this hour are used up: no other attempt helps before the hour has passed."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One line of the table.

    codes: those it is about, without underscores, for the APIs disagree on them; none: whatever the code.
    text: a pattern that the message must contain, if any.
    is_transient: whether another attempt may help.
    subjects: the requests that it concerns.
    lead: what happened, in the user's words; empty: the answer's status says enough.
    remedy, query_remedy: what to do about a report, and about a query where that differs; empty: the kind's own.
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
        """What to do; None where the table does not know better than the kind's own remedy."""
        return (self.query_remedy if subject.is_query else "") or self.remedy or default_remedy(self.kind, subject)

    def fits(self, code: str, message: str, subject: Subject) -> bool:
        """Whether the rule is about this fault. code: normalised, empty to match by the text alone."""
        if subject not in self.subjects or (self.codes and code not in self.codes):
            return False
        return not self.text or re.search(self.text, message, re.IGNORECASE) is not None


_QUERY_REMEDIES = {
    ErrorKind.INVALID: "Correct the query in the list's `soql` column; fields must exist and be visible to the user.",
    ErrorKind.FORBIDDEN: "Give the user Read permission on the query's object and on each of its fields (profile or "
    "permission set), and the permission `API Enabled`.",
    ErrorKind.NOT_FOUND: "Check that the query's object and fields exist in this org, that the user has permission to "
    "see them, and that the org offers `salesforce.api_version`.",
    ErrorKind.TIMEOUT: "Make the query smaller: a WHERE on an indexed field such as CreatedDate, fewer fields, no "
    "sorting; or raise `fetch.timeout_s`.",
}
_ORG_REMEDIES = {
    ErrorKind.FORBIDDEN: "Give the user the permissions `API Enabled` and `Run Reports`.",
    ErrorKind.NOT_FOUND: "Set `salesforce.api_version` to `latest`, or to a version that the org offers.",
}
_ANALYTICS_REMEDIES = {
    ErrorKind.INVALID: "Change the report as the message says, or use `route: classic` for it.",
}


def default_remedy(kind: ErrorKind, subject: Subject) -> str | None:
    """What to do where a code says nothing more; None where the kind's own remedy (`REMEDIES`) is right."""
    if subject.is_query:
        return _QUERY_REMEDIES.get(kind)
    if subject is Subject.ORG:
        return _ORG_REMEDIES.get(kind)
    return _ANALYTICS_REMEDIES.get(kind) if subject in ANALYTICS else None


def codes(names: str) -> frozenset[str]:
    """Codes by their names, separated by blanks."""
    return frozenset(map(normalised, names.split()))


def normalised(code: str) -> str:
    """`InvalidJobState`, `INVALIDJOBSTATE` and `INVALID_JOB_STATE` are one code."""
    return code.replace("_", "").upper()
