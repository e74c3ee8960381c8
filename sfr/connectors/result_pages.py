"""The results of a query job: pages with a header each, joined to one CSV with one header. Knows no jobs.

A page's rows are counted against `Sforce-NumberOfRecords`. Locators are stable, so a page that breaks off is fetched
once more; what had come of it must come again, byte by byte, and is not written twice.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.connectors.csv_lines import csv_lines
from sfr.connectors.rest import JOB_TRIES, RestApi
from sfr.content.header import LONGEST_HEADER_BYTES
from sfr.content.inflate import inflated
from sfr.content.records import RecordCounter
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.network.fault_rules import Subject
from sfr.network.statuses import status_error
from sfr.network.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.network.answers import Answer

#: Rows per page: large enough that requests do not count, small enough that fetching one again does not hurt.
PAGE_ROWS = 50_000
#: What the last page's `Sforce-Locator` is.
NO_LOCATOR = "null"

_LOCATOR = re.compile(r"[A-Za-z0-9_=.+/-]{1,2000}")
_PLAIN_SELECT = re.compile(r"\s*select\s+([\w.]+(?:\s*,\s*[\w.]+)*)\s+from\s", re.IGNORECASE)


class ResultPages:
    """All pages of one job. write: takes the CSV's bytes, in order."""

    def __init__(self, api: RestApi, job_path: str, soql: str, write: Callable[[bytes], None]) -> None:
        self.first_byte_clock_s = 0.0
        self._api, self._job_path, self._soql, self._write = api, job_path, soql, write
        self._header = b""
        self._ends_line = True

    def fetch(self) -> int:
        """Write the whole result; the number of its rows. Raises `ReportError`."""
        rows, locator, seen = 0, "", set[str]()
        while True:
            page = _Page(self, locator)
            rows += self._api.patiently(partial(self._api.with_session, page.fetch), JOB_TRIES)
            locator = page.next_locator
            if not locator:
                break
            if locator in seen:
                raise _torn("The pages of the query's results go round in a circle.")
            seen.add(locator)
        if not self._header:
            self._write(csv_lines([_columns_of(self._soql)]))
        return rows

    def open(self, locator: str) -> tuple[RestApi, str]:
        """The API and the path of a page."""
        parameters = {"maxRecords": str(PAGE_ROWS), **({"locator": locator} if locator else {})}
        return self._api, f"{self._job_path}/results?{urlencode(parameters)}"

    def take_header(self, header: bytes) -> None:
        """The header of a page; the first is written, the others must be the same."""
        if not self._header:
            self._header = header
            self._write(header)
            self._ends_line = header.endswith(b"\n")
        elif header.rstrip(b"\r\n") != self._header.rstrip(b"\r\n"):
            raise _torn("The pages of the query's results have different headers.")

    def take(self, block: bytes, *, begins_page: bool) -> None:
        """Write rows."""
        if begins_page and not self._ends_line:
            self._write(b"\n")
        self._write(block)
        self._ends_line = block.endswith(b"\n")


class _Page:
    """One page, fetched until it is whole."""

    def __init__(self, pages: ResultPages, locator: str) -> None:
        self.next_locator = ""
        self._pages, self._locator = pages, locator
        self._has_header = False
        self._written_bytes = 0
        self._written_hash = hashlib.sha256(usedforsecurity=False)

    def fetch(self) -> int:
        """Fetch what has not come yet; the number of the page's rows."""
        api, path = self._pages.open(self._locator)
        api.calls += 1
        with api.transport.send(api.request("GET", path, accept="text/csv"), api.deadline) as answer:
            api.note_usage(answer.headers.get("Sforce-Limit-Info"))
            if answer.status == 204:
                return 0
            if answer.status != 200:
                raise _refusal(answer)
            self._pages.first_byte_clock_s = self._pages.first_byte_clock_s or time.monotonic()
            if not answer.is_framed:
                raise _torn("Nothing says where the page of results ends.")
            rows = self._take(answer)
            self._check(answer, rows)
            return rows

    def _take(self, answer: Answer) -> int:
        blocks = inflated(answer.chunks()) if answer.content_encoding == "gzip" else answer.chunks()
        counter = RecordCounter(b",", is_all_quoted=True)
        body = self._after_header(blocks, answer.url)
        for block in self._unwritten(body, counter):
            self._pages.take(block, begins_page=not self._written_bytes)
            self._written_bytes += len(block)
            self._written_hash.update(block)
        if counter.is_inside_quotes:
            raise _torn("A page of results ends inside a quoted cell.")
        return counter.records

    def _after_header(self, blocks: Iterable[bytes], url: str) -> Iterator[bytes]:
        """The rows of a page; its header is dealt with."""
        head = b""
        remaining = iter(blocks)
        for block in remaining:
            head += block
            if b"\n" in head or len(head) > LONGEST_HEADER_BYTES:
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
        """What of the page has not been written; the rest must be what was written, or there is no telling."""
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

    def _check(self, answer: Answer, rows: int) -> None:
        said = answer.headers.get("Sforce-NumberOfRecords", "").strip()
        if said.isascii() and said.isdigit() and int(said) != rows:
            raise _torn(f"A page of results was to hold {int(said):,} rows, but holds {rows:,}.")
        locator = answer.headers.get("Sforce-Locator", "").strip()
        if locator in ("", NO_LOCATOR):
            return
        if not _LOCATOR.fullmatch(locator):
            raise ReportError(
                ErrorKind.NOT_CSV, "Salesforce named a next page that cannot be asked for.", remedy=ODD_ANSWER_REMEDY
            )
        self.next_locator = locator


def _refusal(answer: Answer) -> ReportError:
    body = answer.excerpt()
    error = status_error(answer.status, answer.headers, body, subject=Subject.QUERY_JOB)
    if looks_like_page(body):
        return page_error(answer.status, body, url=answer.url, headers=answer.headers, by_status=error)
    return error


def _torn(message: str) -> ReportError:
    return ReportError(ErrorKind.TRUNCATED, message, remedy=ODD_ANSWER_REMEDY)


def _changed() -> ReportError:
    return _torn("A page of results that broke off came differently the second time.")


def _columns_of(soql: str) -> list[str]:
    """The columns of a plain query, for a result of no bytes. Raises `ReportError` where only Salesforce could tell."""
    select = _PLAIN_SELECT.match(soql)
    if select is None:
        raise ReportError(
            ErrorKind.EMPTY,
            "The query brought no records, and Salesforce did not name its columns.",
            remedy="Name the fields after SELECT, without aliases and functions, or leave the query out.",
            permanent=True,
        )
    return [name.strip() for name in select[1].split(",")]
