"""Refuses bodies that are not CSV, with an error that names the kind of file or text and says whether to retry.

A classic export that is not proved by its footer needs other evidence of a CSV: a header row of quoted cells, two
records of the same width, or the columns of the last good run. Does not prove that a CSV is complete.
"""

from __future__ import annotations

from sfr.body.header import cells_of, labels_of, read_header, start_of_text
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.processing.answer_texts import UNKNOWN_TEXT, answer_text
from sfr.processing.file_kinds import OPENING_BYTES, file_kind, is_binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.body.header import Header
    from sfr.model import Payload

#: Maximum length of a quoted text in a message.
MAX_QUOTED_CHARS = 200


def refuse_other_files(head: bytes, payload: Payload) -> None:
    """Raise ReportError for a body whose first bytes show that it is another kind of file.

    head: the first `OPENING_BYTES` or more, or all of a shorter body.
    """
    kind = file_kind(head)
    if kind is None:
        return
    what = f"The answer is {kind.name}, but a CSV was expected"
    if not payload.has_footer:  # of a query, which has no export parameters and no address to open
        raise ReportError(ErrorKind.NOT_CSV, f"{what}.", remedy=ODD_ANSWER_REMEDY)
    if not kind.is_quoted:
        raise ReportError(ErrorKind.NOT_CSV, f"{what}.", remedy=kind.remedy)
    text = _text_of(head, payload)
    raise _text_error(f"{what}: {_quoted(text)}.", text, payload, remedy=kind.remedy)


def refuse_other_texts(head: bytes, header: Header, payload: Payload) -> None:
    """Raise ReportError for an export without a footer and without any evidence of a CSV.

    head: the start of the body, including the header.
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
    """The error for a body that is a plain text; quotes it."""
    if is_binary(head):
        return binary_error(head)
    text = _text_of(head, payload)
    return _text_error(f"The answer is a text, but a CSV was expected: {_quoted(text)}.", text, payload)


def binary_error(head: bytes) -> ReportError:
    """The error for binary data of an unknown kind."""
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The answer is binary data (starting with the bytes {head[:8].hex(' ')}), but a CSV was expected.",
        remedy=ODD_ANSWER_REMEDY,
    )


def not_gzip_error(head: bytes) -> ReportError:
    """The error for a body declared as gzip that starts with `head`."""
    kind = file_kind(head)
    if kind is not None:
        what = kind.name
    elif is_binary(head):
        what = f"other data (starting with the bytes {head[:8].hex(' ')})"
    elif head[:1] == b'"':
        what = "not compressed"
    else:
        what = f"a plain text: {_quoted(head[:OPENING_BYTES].decode('utf-8', errors='replace'))}"
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The answer's headers say `Content-Encoding: gzip`, but its body is {what}: a proxy or gateway altered it.",
        remedy=ODD_ANSWER_REMEDY,
    )


def _text_error(message: str, text: str, payload: Payload, *, remedy: str | None = None) -> ReportError:
    """The error for a text instead of a report, transient or permanent; always permanent with `footer: optional`."""
    meaning = answer_text(text)
    kind = ErrorKind.NOT_CSV if payload.report.footer == "optional" else meaning.kind
    is_unknown = meaning is UNKNOWN_TEXT
    return ReportError(kind, message, remedy=remedy if is_unknown and remedy else meaning.remedy)


def _text_of(head: bytes, payload: Payload) -> str:
    return head[start_of_text(head) :][:OPENING_BYTES].decode(payload.report.encoding, errors="replace").strip()


def _quoted(text: str) -> str:
    # Imported late: it loads difflib, which costs a worker time and memory.
    from sfr.wording import shortened

    return f"'{shortened(' '.join(text.split()), MAX_QUOTED_CHARS)}'"


def _is_lone_cell(head: bytes, header: Header) -> bool:
    """Whether the body is one record of one cell."""
    return not _after_header(head, header).strip() and len(_cells(header.record, header)) == 1


def _is_cut_after_delimiter(head: bytes, header: Header) -> bool:
    """Whether the body ends inside a header of quoted cells, after a delimiter: an export that was cut there."""
    if _after_header(head, header) or not header.record.endswith(header.delimiter):
        return False
    complete = read_header(header.record[: -len(header.delimiter)], is_whole=True)
    return complete is not None and complete.is_all_quoted


def _has_two_records_of_one_width(head: bytes, header: Header) -> bool:
    """Whether header and first record have the same number of cells, more than one: lines of a text have one each."""
    second = read_header(_after_header(head, header), is_whole=True)
    width = len(_cells(header.record, header))
    return second is not None and width > 1 and len(_cells(second.record, header)) == width


def _is_known_header(header: Header, payload: Payload) -> bool:
    """Whether the last good run had these columns and at least one row."""
    before = payload.baseline
    if before is None or not before.rows or before.header is None:
        return False
    return tuple(before.header) == labels_of(header, payload.report.encoding)


def _after_header(head: bytes, header: Header) -> bytes:
    return head.partition(header.record)[2]


def _cells(record: bytes, header: Header) -> list[str]:
    return cells_of(record.decode("latin-1"), header.delimiter.decode())
