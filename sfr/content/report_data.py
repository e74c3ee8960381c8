"""The data of a report's body: its blocks less the footer, proved whole, counted, in constant memory.

    data = ReportData(payload, blocks)
    data.header …              # the first block is read, and refused if it is no CSV
    for block in data: …       # raises ReportError at the end at the latest, if the body is not whole
    data.rows …                # known once the iteration ended

The end of the body is held back, so that the footer is cut before it is handed out. Bytes pass unchanged; only a
missing line end after the last record is added. Does not write anything and does not convert.
"""

from __future__ import annotations

import re

from sfr.content.file_kinds import OPENING_BYTES, is_binary
from sfr.content.footer import FOOTER_REACH_BYTES, cut_footer
from sfr.content.header import (
    BYTE_ORDER_MARK,
    LONGEST_HEADER_BYTES,
    Header,
    cells_of,
    read_header,
    start_of_text,
)
from sfr.content.other_answers import binary_error, refuse_other_files, refuse_other_texts, text_error
from sfr.content.records import RecordCounter, State
from sfr.errors import ErrorKind, ReportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfr.model import Payload

#: Held back where no footer may come: the last record must be seen whole, to count its cells.
RECORD_REACH_BYTES = 1024 * 1024
UNPROVED = "Without Salesforce's footer nothing proves that the report is complete."

_FIRST_LINE_END = re.compile(rb"\r\n|\n|\r")


class ReportData:
    """One pass over the data of a body; iterate it once, to the end.

    Raises ReportError: `empty` for a body of nothing or white space, `not_csv` for another kind of file or a text
    (`server` or `rate_limited` where the text says that it passes and a footer is required), `truncated` for a body
    that ends too early, and whatever reading `blocks` raises.
    """

    def __init__(self, payload: Payload, blocks: Iterator[bytes], *, keep_footer: bool = False) -> None:
        self._payload = payload
        self._blocks = blocks
        self._keep_footer = keep_footer
        head, self.header = _read_head(blocks, payload)
        self._head = head
        self._counter = RecordCounter(self.header.delimiter, is_all_quoted=self.header.is_all_quoted)
        #: A line end that the body lacked, handed out as the last block.
        self.line_end = b""
        #: For the user, about a report that was accepted.
        self.warning = ""

    @property
    def rows(self) -> int:
        """Records without the header, counted as `csv.reader` does, empty lines apart."""
        return max(self._counter.records - 1, 0)

    def __iter__(self) -> Iterator[bytes]:
        text_start = start_of_text(self._head)
        if text_start:
            yield self._head[:text_start]
        held = [self._head[text_start:]]
        held_bytes = len(held[0])
        reach = FOOTER_REACH_BYTES if self._is_footer_sure else RECORD_REACH_BYTES
        for block in self._blocks:
            held.append(block)
            held_bytes += len(block)
            while held_bytes - len(held[0]) >= reach:
                released = held.pop(0)
                held_bytes -= len(released)
                self._counter.feed(released)
                yield released
        tail = b"".join(held)
        del held
        end = self._find_end(tail)
        yield tail if self._keep_footer else tail[:end]
        if self.line_end:
            yield self.line_end

    @property
    def _is_footer_sure(self) -> bool:
        return self._payload.has_footer and self._payload.report.footer != "optional"

    def _find_end(self, tail: bytes) -> int:
        """Where the data ends in `tail`; counts it, and raises if the body is not whole, or no CSV."""
        if self._payload.has_footer:
            try:
                cut = cut_footer(tail, self._counter)
            except ReportError:
                refuse_other_texts(self._head, self.header, self._payload)
                raise
            if cut is not None:
                end, self._counter = cut
                return end
            refuse_other_texts(self._head, self.header, self._payload)
        last_record = self._count_tail(tail)
        if self._counter.is_inside_quotes:
            raise _truncated("The body ends inside a quoted cell")
        if self._payload.has_footer:
            self._check_footerless(last_record)
        elif not self._payload.is_framed:
            raise _truncated("The connection closed without saying that the body was whole")
        return self._end_of_last_record(tail)

    def _count_tail(self, tail: bytes) -> bytes | None:
        """Count the records in `tail`; return the last one, or None if it began before `tail`."""
        if self._is_footer_sure or not self._payload.has_footer:
            self._counter.feed(tail)
            return None
        start = 0 if self._counter.state is State.RECORD_START else None
        position = 0
        for line in tail.rstrip(b"\r\n").splitlines(keepends=True):
            if self._counter.state is State.RECORD_START:
                start = position
            self._counter.feed(line)
            position += len(line)
        self._counter.feed(tail[position:])
        return None if start is None else tail[start:position]

    def _check_footerless(self, last_record: bytes | None) -> None:
        """Refuse a body without a trace of a footer, unless the report may lack it and nothing speaks against it."""
        payload = self._payload
        if self._is_footer_sure:
            raise ReportError(
                ErrorKind.TRUNCATED,
                "The body ends without Salesforce's footer, the only proof that the export is complete.",
                remedy="If the org's exports have no footer, set `footer: optional`; else narrow the report's filters.",
            )
        if not payload.is_framed:
            raise _truncated("Neither a footer nor the connection says that the body is whole")
        if not payload.is_declared_csv:
            raise ReportError(
                ErrorKind.NOT_CSV,
                "The answer has no footer, and is not a CSV by its headers (Content-Type, Content-Disposition).",
            )
        columns = len(self._cells(self.header.record))
        cells = len(self._cells(last_record)) if last_record is not None else 0
        if cells != columns:
            raise _truncated(f"The last record has {cells} cells, the header {columns}")
        self.warning = UNPROVED

    def _cells(self, record: bytes) -> list[str]:
        return cells_of(record.decode("latin-1"), self.header.delimiter.decode())

    def _end_of_last_record(self, tail: bytes) -> int:
        """Behind one line end after the last record; where there is none, it is to be added."""
        end = len(tail.rstrip(b"\r\n"))
        line_end = _FIRST_LINE_END.match(tail, end)
        if line_end is not None:
            return line_end.end()
        if not self._keep_footer:
            self.line_end = self.header.line_end
        return end


def _read_head(blocks: Iterator[bytes], payload: Payload) -> tuple[bytes, Header]:
    """The first blocks, as many as hold the header, and the header."""
    head = b""
    for block in blocks:
        head += block
        if len(head) < OPENING_BYTES:
            continue
        refuse_other_files(head, payload)
        header = read_header(head, is_whole=False)
        if header is not None and header.record.strip():
            return head, header
        if len(head) > LONGEST_HEADER_BYTES:
            if is_binary(head):
                raise binary_error(head)
            raise ReportError(ErrorKind.NOT_CSV, f"The first record is longer than {LONGEST_HEADER_BYTES:,} bytes.")
    refuse_other_files(head, payload)
    header = read_header(head, is_whole=True)
    is_cut_mark = BYTE_ORDER_MARK.startswith(head)
    if header is not None and header.record.strip() and not is_cut_mark:
        return head, header
    text = b"" if is_cut_mark else head[start_of_text(head) :].strip()
    if text and (text[:1] == b'"' or not payload.has_footer):
        raise ReportError(ErrorKind.NOT_CSV, "The first line of the answer is blank, where a header was expected.")
    if text:
        raise text_error(head, payload)
    raise ReportError(
        ErrorKind.EMPTY,
        "The answer has no content, which Salesforce sends when it runs out of time.",
        remedy="Narrow the report's filters, or run it at a quieter hour.",
    )


def _truncated(what: str) -> ReportError:
    return ReportError(ErrorKind.TRUNCATED, f"{what}: the export was cut.")
