"""Creates the report directories and checks that they are writable, before the first request to Salesforce."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sfr.errors import ErrorKind, ReportError
from sfr.model import Report
from sfr.storage.errors import reason_of, remedy_of
from sfr.storage.trusted import create_private, make_directories


def prepare(reports: Iterable[Report], temporary_prefix: str) -> dict[int, ReportError]:
    """Create every report's directory and check that files can be created in it.

    Returns, by position, the error of each report whose directory is unusable; those need not be fetched.
    """
    problems: dict[str, ReportError | None] = {}
    errors: dict[int, ReportError] = {}
    for report in reports:
        if report.directory not in problems:
            problems[report.directory] = _check(report.directory, temporary_prefix)
        if (error := problems[report.directory]) is not None:
            errors[report.position] = error
    return errors


def _check(directory: str, temporary_prefix: str) -> ReportError | None:
    try:
        make_directories(directory)
        descriptor, probe = create_private(os.path.join(directory, f"{temporary_prefix}probe-"))
        os.close(descriptor)
        os.unlink(probe)
    except OSError as error:
        return ReportError(
            ErrorKind.DISK, f"Cannot create files in {directory}: {reason_of(error)}.", remedy=remedy_of(error)
        )
    return None
