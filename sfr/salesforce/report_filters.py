"""Describes the filters of reports, as `filters` in a report list can change them. Never runs a report."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.rest import RestApi
from sfr.salesforce.routes.analytics import describe
from sfr.salesforce.routes.analytics.requested_filters import filter_texts
from sfr.wording import shortened

if TYPE_CHECKING:
    from sfr.salesforce.connection import Connection

log = logging.getLogger(__name__)

DESCRIBE_TIMEOUT_S = 120.0
#: After these, no other report would be described either.
_OF_THE_ORG = (ErrorKind.AUTH, ErrorKind.CHALLENGE, ErrorKind.NETWORK, ErrorKind.INTERRUPTED)
MAX_REASON_CHARS = 200


def describe_filters(connection: Connection, report_ids: Iterable[str]) -> dict[str, str]:
    """The filters of each report, by its id, on one line; why they are unknown, if they are.

    One request for each report. Raises `ReportError` if the org cannot be reached or the session is refused.
    """
    texts = {}
    for report_id in report_ids:
        deadline = Deadline.after(DESCRIBE_TIMEOUT_S, f"the {DESCRIBE_TIMEOUT_S:g} s that a description may take")
        api = RestApi(connection.transport, connection.session, connection.api_version, deadline)
        try:
            description = api.with_retries(lambda: describe(report_id, api))  # noqa: B023
        except ReportError as error:
            if error.kind in _OF_THE_ORG:
                raise
            log.info("The report %s could not be described: %s", report_id, error.message)
            texts[report_id] = f"unknown: {shortened(error.message, MAX_REASON_CHARS)}"
        else:
            is_filtered = bool(description.metadata.get("reportFilters"))
            texts[report_id] = "; ".join([*([] if is_filtered else ["none by number"]), *filter_texts(description)])
    return texts
