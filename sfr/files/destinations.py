"""The report directories: made and tried before anything is asked of Salesforce."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sfr.errors import ErrorKind, ReportError
from sfr.files.errors import reason_of, remedy_of
from sfr.files.trusted import make, make_directories
from sfr.model import Report


def prepare(reports: Iterable[Report], temporary_prefix: str) -> dict[int, ReportError]:
    """Make every report's directory and see that a file can be made in it.

    Returns, by position, the error of each report whose directory will not do; those need not be fetched.
    """
    problems: dict[str, ReportError | None] = {}
    errors: dict[int, ReportError] = {}
    for report in reports:
        if report.directory not in problems:
            problems[report.directory] = _try(report.directory, temporary_prefix)
        if (error := problems[report.directory]) is not None:
            errors[report.position] = error
    return errors


def _try(directory: str, temporary_prefix: str) -> ReportError | None:
    try:
        make_directories(directory)
        descriptor, probe = make(os.path.join(directory, f"{temporary_prefix}probe-"))
        os.close(descriptor)
        os.unlink(probe)
    except OSError as error:
        return ReportError(
            ErrorKind.DISK, f"No file can be made in {directory}: {reason_of(error)}.", remedy=remedy_of(error)
        )
    return None
