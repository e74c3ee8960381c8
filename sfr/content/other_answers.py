"""Explains bodies that are no CSV: which kind of file or text came instead, and whether another attempt can help.

A classic export that is not proved by its footer needs something that speaks for a CSV: a header row of quoted cells,
two records of one width, or the columns of the last good run. Does not prove that a CSV is whole.
"""

from __future__ import annotations

from sfr.content.answer_texts import UNKNOWN_TEXT, answer_text
from sfr.content.file_kinds import OPENING_BYTES, file_kind, is_binary
from sfr.content.header import cells_of, labels_of, read_header, start_of_text
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.content.header import Header
    from sfr.model import Payload

#: Characters of a text that a message quotes.
LONGEST_QUOTED = 200


def refuse_other_files(head: bytes, payload: Payload) -> None:
    """Raise ReportError for a body whose first bytes say that it is a file of another kind.

    head: at least `OPENING_BYTES` of it, if it has as many.
    """
    kind = file_kind(head)
    if kind is None:
        return
    what = f"The answer is {kind.name}, where a CSV was expected"
    if not payload.has_footer:  # of a query, which has no export parameters and no address to open
        raise ReportError(ErrorKind.NOT_CSV, f"{what}.", remedy=ODD_ANSWER_REMEDY)
    if not kind.is_quoted:
        raise ReportError(ErrorKind.NOT_CSV, f"{what}.", remedy=kind.remedy)
    text = _text_of(head, payload)
    raise _passing_or_final(f"{what}: {_quoted(text)}.", text, payload, remedy=kind.remedy)


def refuse_other_texts(head: bytes, header: Header, payload: Payload) -> None:
    """Raise ReportError for an export without a proof where nothing speaks for a CSV.

    head: the start of the body, the header included.
    """
    if header.is_all_quoted and not _is_lone_cell(head, header):
        return
    if payload.report.footer != "optional" and _is_cut_after_delimiter(head, header):
        return
    if is_binary(head):
        raise binary_error(head)
    is_text = answer_text(header.record.decode("latin-1")) is not UNKNOWN_TEXT
    if not header.is_all_quoted:
        is_text = is_text or not _has_two_records_of_one_width(head, header)
    if is_text and not _is_known_header(header, payload):
        raise text_error(head, payload)


def text_error(head: bytes, payload: Payload) -> ReportError:
    """The error for a body that is a plain text: quotes it."""
    if is_binary(head):
        return binary_error(head)
    text = _text_of(head, payload)
    return _passing_or_final(f"The answer is a text, where a CSV was expected: {_quoted(text)}.", text, payload)


def binary_error(head: bytes) -> ReportError:
    """The error for a body of a kind that nobody knows."""
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The answer is binary data (it begins with the bytes {head[:8].hex(' ')}), where a CSV was expected.",
        remedy=ODD_ANSWER_REMEDY,
    )


def not_gzip_error(head: bytes) -> ReportError:
    """The error for a body that begins with `head`, although it is sent as gzip."""
    kind = file_kind(head)
    if kind is not None:
        what = kind.name
    elif is_binary(head):
        what = f"other data (it begins with the bytes {head[:8].hex(' ')})"
    elif head[:1] == b'"':
        what = "not compressed"
    else:
        what = f"a plain text: {_quoted(head[:OPENING_BYTES].decode('utf-8', errors='replace'))}"
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The answer's headers say `Content-Encoding: gzip`, but its body is {what}: a proxy or gateway altered it.",
        remedy=ODD_ANSWER_REMEDY,
    )


def _passing_or_final(message: str, text: str, payload: Payload, *, remedy: str | None = None) -> ReportError:
    """The error for a text in place of a report: where the footer is optional it is final, whatever it says."""
    meaning = answer_text(text)
    kind = ErrorKind.NOT_CSV if payload.report.footer == "optional" else meaning.kind
    is_unknown = meaning is UNKNOWN_TEXT
    return ReportError(kind, message, remedy=remedy if is_unknown and remedy else meaning.remedy)


def _text_of(head: bytes, payload: Payload) -> str:
    return head[start_of_text(head) :][:OPENING_BYTES].decode(payload.report.encoding, errors="replace").strip()


def _quoted(text: str) -> str:
    # difflib, which it loads, costs a worker time and memory.
    from sfr.wording import said

    return f"'{said(' '.join(text.split()), LONGEST_QUOTED)}'"


def _is_lone_cell(head: bytes, header: Header) -> bool:
    """Whether the body is one record of one cell."""
    return not _after_header(head, header).strip() and len(_cells(header.record, header)) == 1


def _is_cut_after_delimiter(head: bytes, header: Header) -> bool:
    """Whether the body ends within a header of quoted cells, behind a delimiter: an export that was cut there."""
    if _after_header(head, header) or not header.record.endswith(header.delimiter):
        return False
    complete = read_header(header.record[: -len(header.delimiter)], is_whole=True)
    return complete is not None and complete.is_all_quoted


def _has_two_records_of_one_width(head: bytes, header: Header) -> bool:
    """Whether header and first record have as many cells, and more than one: lines of a text have one each."""
    second = read_header(_after_header(head, header), is_whole=True)
    width = len(_cells(header.record, header))
    return second is not None and width > 1 and len(_cells(second.record, header)) == width


def _is_known_header(header: Header, payload: Payload) -> bool:
    """Whether the last good run had these columns, and rows."""
    before = payload.baseline
    if before is None or not before.rows or before.header is None:
        return False
    return tuple(before.header) == labels_of(header, payload.report.encoding)


def _after_header(head: bytes, header: Header) -> bytes:
    return head.partition(header.record)[2]


def _cells(record: bytes, header: Header) -> list[str]:
    return cells_of(record.decode("latin-1"), header.delimiter.decode())
