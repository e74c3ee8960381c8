"""Fetches the results of a query job: pages with a header each, joined into one CSV. Independent of job handling.

The rows of a page are compared with `Sforce-NumberOfRecords`. Locators are stable, so a page that is cut off is fetched
again; the bytes already written must be the same, and are skipped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.body.header import MAX_HEADER_BYTES
from sfr.body.inflate import inflated
from sfr.body.records import RecordCounter
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.salesforce.fault_rules import Subject
from sfr.salesforce.rest import JOB_TRIES, RestApi
from sfr.salesforce.routes.csv_lines import csv_lines
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.salesforce.http.responses import Response
    from sfr.storage.spool import IncomingBody

#: Rows per page: large enough that requests are few, small enough that fetching one again is cheap.
PAGE_ROWS = 50_000
#: The `Sforce-Locator` of the last page.
NO_LOCATOR = "null"

_LOCATOR = re.compile(r"[A-Za-z0-9_=.+/-]{1,2000}")
_PLAIN_SELECT = re.compile(r"\s*select\s+([\w.]+(?:\s*,\s*[\w.]+)*)\s+from\s", re.IGNORECASE)


class ResultPages:
    """All pages of one job, written to `incoming` as one CSV."""

    def __init__(self, api: RestApi, job_path: str, soql: str, incoming: IncomingBody) -> None:
        self.incoming = incoming
        self._api, self._job_path, self._soql, self._write = api, job_path, soql, incoming.write
        self._header = b""
        self._ends_line = True

    def fetch(self) -> int:
        """Write the whole result; returns the number of rows. Raises `ReportError`."""
        rows, locator, seen = 0, "", set[str]()
        while True:
            page = _Page(self, locator)
            rows += self._api.with_retries(partial(self._api.with_session, page.fetch), JOB_TRIES)
            locator = page.next_locator
            if not locator:
                break
            if locator in seen:
                raise _truncated("The pages of the query's results form a loop.")
            seen.add(locator)
        if not self._header:
            self._write(csv_lines([_columns_of(self._soql)]))
        return rows

    def open(self, locator: str) -> tuple[RestApi, str]:
        """The API client and the path of a page."""
        parameters = {"maxRecords": str(PAGE_ROWS), **({"locator": locator} if locator else {})}
        return self._api, f"{self._job_path}/results?{urlencode(parameters)}"

    def take_header(self, header: bytes) -> None:
        """Handle the header of a page: the first is written, the others must be identical."""
        if not self._header:
            self._header = header
            self._write(header)
            self._ends_line = header.endswith(b"\n")
        elif header.rstrip(b"\r\n") != self._header.rstrip(b"\r\n"):
            raise _truncated("The pages of the query's results have different headers.")

    def take(self, block: bytes, *, begins_page: bool) -> None:
        """Write rows."""
        if begins_page and not self._ends_line:
            self._write(b"\n")
        self._write(block)
        self._ends_line = block.endswith(b"\n")


class _Page:
    """One page, fetched until it is complete."""

    def __init__(self, pages: ResultPages, locator: str) -> None:
        self.next_locator = ""
        self._pages, self._locator = pages, locator
        self._has_header = False
        self._written_bytes = 0
        self._written_hash = hashlib.sha256(usedforsecurity=False)

    def fetch(self) -> int:
        """Fetch what is still missing; returns the number of rows of the page."""
        api, path = self._pages.open(self._locator)
        api.calls += 1
        with api.transport.stream(api.request("GET", path, accept="text/csv"), api.deadline) as response:
            api.record_usage(response.headers.get("Sforce-Limit-Info"))
            if response.status == 204:
                return 0
            if response.status != 200:
                raise _refusal(response)
            self._pages.incoming.note_first_byte()
            if not response.is_framed:
                raise _truncated(
                    "A page of results has neither a Content-Length nor chunked framing, so its end is unknown."
                )
            rows = self._take(response)
            self._check(response, rows)
            return rows

    def _take(self, response: Response) -> int:
        blocks = inflated(response.chunks()) if response.content_encoding == "gzip" else response.chunks()
        counter = RecordCounter(b",", is_all_quoted=True)
        body = self._after_header(blocks, response.url)
        for block in self._unwritten(body, counter):
            self._pages.take(block, begins_page=not self._written_bytes)
            self._written_bytes += len(block)
            self._written_hash.update(block)
        if counter.is_inside_quotes:
            raise _truncated("A page of results ends inside a quoted cell.")
        return counter.records

    def _after_header(self, blocks: Iterable[bytes], url: str) -> Iterator[bytes]:
        """The rows of a page, after handling its header."""
        head = b""
        remaining = iter(blocks)
        for block in remaining:
            head += block
            if b"\n" in head or len(head) > MAX_HEADER_BYTES:
                break
        if looks_like_page(head):
            raise page_error(200, head, url=url)
        header, line_end, rest = head.partition(b"\n")
        if not header.strip():
            return
        if not self._has_header:
            self._pages.take_header(header + line_end)
            self._has_header = True
        if rest:
            yield rest
        yield from remaining

    def _unwritten(self, blocks: Iterable[bytes], counter: RecordCounter) -> Iterator[bytes]:
        """The part of the page not written yet. Raises `ReportError` if the rest differs from what was written."""
        to_skip, written = self._written_bytes, self._written_hash.digest()
        again = hashlib.sha256(usedforsecurity=False)
        for block in blocks:
            counter.feed(block)
            skipped, fresh = block[:to_skip], block[to_skip:]
            if to_skip:
                again.update(skipped)
                to_skip -= len(skipped)
                if not to_skip and again.digest() != written:
                    raise _changed()
            if fresh:
                yield fresh
        if to_skip:
            raise _changed()

    def _check(self, response: Response, rows: int) -> None:
        declared = response.headers.get("Sforce-NumberOfRecords", "").strip()
        if declared.isascii() and declared.isdigit() and int(declared) != rows:
            raise _truncated(f"A page of results should contain {int(declared):,} rows, but contains {rows:,}.")
        locator = response.headers.get("Sforce-Locator", "").strip()
        if locator in ("", NO_LOCATOR):
            return
        if not _LOCATOR.fullmatch(locator):
            raise ReportError(
                ErrorKind.NOT_CSV,
                "Salesforce returned an invalid locator for the next page of results.",
                remedy=ODD_ANSWER_REMEDY,
            )
        self.next_locator = locator


def _refusal(response: Response) -> ReportError:
    body = response.excerpt()
    error = status_error(response.status, response.headers, body, subject=Subject.QUERY_JOB)
    if looks_like_page(body):
        return page_error(response.status, body, url=response.url, headers=response.headers, by_status=error)
    return error


def _truncated(message: str) -> ReportError:
    return ReportError(ErrorKind.TRUNCATED, message, remedy=ODD_ANSWER_REMEDY)


def _changed() -> ReportError:
    return _truncated("A page of results that was cut off had different content the second time.")


def _columns_of(soql: str) -> list[str]:
    """The columns of a plain query, for an empty result. Raises `ReportError` if only Salesforce knows them."""
    select = _PLAIN_SELECT.match(soql)
    if select is None:
        raise ReportError(
            ErrorKind.EMPTY,
            "The query returned no records, and Salesforce did not return its columns.",
            remedy="Name the fields after SELECT, without aliases and functions, or leave the query out.",
            permanent=True,
        )
    return [name.strip() for name in select[1].split(",")]
