"""The classic report export: `GET /<report id>?export=1…` with the session as a cookie (salesforce-facts.md §1).

Salesforce reports most failures as a web page with status 200, so a response counts as an export only if neither its
headers nor its first bytes contradict it. Whether the export is complete is verified by the worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfr.body.inflate import inflated_start
from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.http.transport import Request
from sfr.salesforce.page_reading import JUDGED_BYTES
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.model import Payload
    from sfr.salesforce.http.responses import Response

#: A page may start with blank lines; its first tag is searched for up to here.
MAX_OPENING_BYTES = 64 * 1024
#: Enough to find a first tag or cell without leading blank lines; decoding more would cost time for every report.
SHORT_OPENING_BYTES = 1024
BLANKS = b"\xef\xbb\xbf\r\n\t "


def fetch(context: FetchContext, more_params: str = "") -> Payload:
    """Download the export of one report to `context.incoming`.

    more_params: appended to the query string.
    Raises `ReportError`: the transport's errors, the error of the status or the page, `empty` for an empty body.
    """
    report = context.report
    url = f"{context.session.instance_url}/{report.report_id}{report.export_params}{more_params}"
    request = Request("GET", url, context.session.cookie_headers())
    with context.transport.stream(request, context.deadline) as response:
        if response.status != 200:
            raise _error_of(response)
        context.incoming.first_byte_clock_s = response.first_byte_clock_s
        receive(response, context)
        return context.payload(
            content_encoding=response.content_encoding,
            is_framed=response.is_framed,
            is_declared_csv=_is_declared_csv(response),
            http_status=response.status,
        )


def receive(response: Response, context: FetchContext) -> None:
    """Write the body to `context.incoming`; raises `ReportError` for a web page, and `empty` without a body."""
    chunks = response.chunks()
    opening = _read_until(chunks, response.content_encoding, MAX_OPENING_BYTES, until_text=True)
    text = _opening_text(opening, response.content_encoding)
    if opening and (_is_declared_page(response) or looks_like_page(text)):
        rest = _read_until(chunks, response.content_encoding, JUDGED_BYTES, until_text=False)
        page = _decoded(opening + rest, response.content_encoding, JUDGED_BYTES)
        raise page_error(response.status, page, url=response.url, headers=response.headers)
    context.incoming.write(opening)
    del opening  # otherwise every thread would hold one more chunk until the end
    for chunk in chunks:
        context.incoming.write(chunk)
        del chunk  # before the next one is read: otherwise every thread would hold two
    if not context.incoming.received_bytes:
        raise ReportError(
            ErrorKind.EMPTY,
            "Salesforce responded with status 200 and an empty body, which happens when it times out.",
            remedy="Narrow the report's filters, or run it at a quieter hour.",
            http_status=200,
        )


def _error_of(response: Response) -> ReportError:
    """The error of a response with any status but 200."""
    body = response.excerpt()
    if looks_like_page(body):
        return page_error(response.status, body, url=response.url, headers=response.headers)
    return status_error(response.status, response.headers, body)


def _read_until(chunks: Iterator[bytes], content_encoding: str, limit_bytes: int, *, until_text: bool) -> bytes:
    """Chunks as received, up to about `limit_bytes`, or until the first text that is not blank."""
    received = b""
    for chunk in chunks:
        received += chunk
        if len(received) >= limit_bytes:
            break
        if until_text and _opening_text(received, content_encoding).strip(BLANKS):
            break
    return received


def _opening_text(received: bytes, content_encoding: str) -> bytes:
    """The decoded beginning: a few bytes if they contain text, more only after blank lines."""
    text = _decoded(received, content_encoding, SHORT_OPENING_BYTES)
    return text if text.strip(BLANKS) else _decoded(received, content_encoding, MAX_OPENING_BYTES)


def _decoded(received: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    """The decoded start of a body; empty if it cannot be decoded, which the worker reports."""
    return inflated_start(received, limit_bytes) if content_encoding == "gzip" else received[:limit_bytes]


def _is_declared_page(response: Response) -> bool:
    content_type = response.headers.get("Content-Type", "").lower()
    return "html" in content_type and not _is_attachment(response)


def _is_declared_csv(response: Response) -> bool:
    return "csv" in response.headers.get("Content-Type", "").lower() or _is_attachment(response)


def _is_attachment(response: Response) -> bool:
    return response.headers.get("Content-Disposition", "").strip().lower().startswith("attachment")
