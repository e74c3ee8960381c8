"""The classic report export: `GET /<report id>?export=1…` with the session as a cookie (salesforce-facts.md §1).

Salesforce answers most failures with a page and status 200, so an answer counts as an export only if neither its
headers nor its first bytes say otherwise. Whether the export is whole is for the worker to prove.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sfr.connectors.exchange import Exchange, Received
from sfr.errors import ErrorKind, ReportError
from sfr.network.page_reading import JUDGED_BYTES
from sfr.network.statuses import status_error
from sfr.network.transport import Request
from sfr.network.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.model import Report
    from sfr.network.answers import Answer

#: Blank lines may stand before a page's first tag; further on nobody looks for one.
LONGEST_OPENING_BYTES = 64 * 1024
#: Enough to see a first tag or cell where no blank lines stand before it; inflating more costs every report.
SHORT_OPENING_BYTES = 1024
BLANKS = b"\xef\xbb\xbf\r\n\t "


def fetch(report: Report, exchange: Exchange) -> Received:
    """Receive the export of one report into `exchange.reception`.

    Raises `ReportError`: what the transport raises, what the status or the page says, `empty` for a body of no bytes.
    """
    url = f"{exchange.session.instance_url}/{report.report_id}{report.export_params}"
    request = Request("GET", url, exchange.session.cookie_headers())
    with exchange.transport.send(request, exchange.deadline) as answer:
        if answer.status != 200:
            raise _error_of(answer)
        _receive(answer, exchange)
        return Received(
            first_byte_clock_s=answer.first_byte_clock_s,
            content_encoding=answer.content_encoding,
            is_framed=answer.is_framed,
            is_declared_csv=_is_declared_csv(answer),
            http_status=answer.status,
        )


def _receive(answer: Answer, exchange: Exchange) -> None:
    chunks = answer.chunks()
    opening = _read_until(chunks, answer.content_encoding, LONGEST_OPENING_BYTES, until_text=True)
    text = _opening_text(opening, answer.content_encoding)
    if opening and (_is_declared_page(answer) or looks_like_page(text)):
        rest = _read_until(chunks, answer.content_encoding, JUDGED_BYTES, until_text=False)
        page = _decoded(opening + rest, answer.content_encoding, JUDGED_BYTES)
        raise page_error(answer.status, page, url=answer.url, headers=answer.headers)
    exchange.reception.write(opening)
    del opening  # a piece of its own, as is each chunk: every thread would hold one more to the end
    for chunk in chunks:
        exchange.reception.write(chunk)
        del chunk  # before the next one comes: every thread would hold two
    if not exchange.reception.received_bytes:
        raise ReportError(
            ErrorKind.EMPTY,
            "Salesforce answered with status 200 and no body, which it does when it runs out of time.",
            remedy="Narrow the report's filters, or run it at a quieter hour.",
            http_status=200,
        )


def _error_of(answer: Answer) -> ReportError:
    """What an answer of another status than 200 means."""
    body = answer.excerpt()
    if looks_like_page(body):
        return page_error(answer.status, body, url=answer.url, headers=answer.headers)
    return status_error(answer.status, answer.headers, body)


def _read_until(chunks: Iterator[bytes], content_encoding: str, limit_bytes: int, *, until_text: bool) -> bytes:
    """Chunks as received, up to about `limit_bytes`, or until something that is not blank has been seen."""
    received = b""
    for chunk in chunks:
        received += chunk
        if len(received) >= limit_bytes:
            break
        if until_text and _opening_text(received, content_encoding).strip(BLANKS):
            break
    return received


def _opening_text(received: bytes, content_encoding: str) -> bytes:
    """The decoded beginning: a few bytes where they say something, more only after blank lines."""
    text = _decoded(received, content_encoding, SHORT_OPENING_BYTES)
    return text if text.strip(BLANKS) else _decoded(received, content_encoding, LONGEST_OPENING_BYTES)


def _decoded(received: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    """The text of a body's beginning; empty where it cannot be decoded, which is for the worker to say."""
    if content_encoding != "gzip":
        return received[:limit_bytes]
    try:
        return zlib.decompressobj(31).decompress(received, limit_bytes)
    except zlib.error:
        return b""


def _is_declared_page(answer: Answer) -> bool:
    content_type = answer.headers.get("Content-Type", "").lower()
    return "html" in content_type and not _is_attachment(answer)


def _is_declared_csv(answer: Answer) -> bool:
    return "csv" in answer.headers.get("Content-Type", "").lower() or _is_attachment(answer)


def _is_attachment(answer: Answer) -> bool:
    return answer.headers.get("Content-Disposition", "").strip().lower().startswith("attachment")
