"""Makes a report's new file beside its destination, out of a payload, and proves it; puts nothing in place.

A spooled body that needs no decoding becomes the file itself: it is only read. Anything else is written to a
temporary file.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass

from sfr.content.decoding import GROWTH_FLOOR_BYTES, decoded_blocks
from sfr.content.header import labels_of
from sfr.content.report_data import ReportData
from sfr.errors import ErrorKind, ReportError
from sfr.files.atomic import AtomicFile, remove_quietly
from sfr.formats import FORMATS, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfr.files.unsupported import LeftOut
    from sfr.model import Payload

TEMPORARY_ENDING = ".part"
#: Bytes of the new file for each byte of the CSV, beyond which it is no report: `jsonl` repeats the labels in every
#: record, which with empty cells and labels of 255 characters makes 87. Below `GROWTH_FLOOR_BYTES` any file may grow.
LARGEST_FILE_GROWTH = 200


@dataclass(frozen=True, slots=True)
class OutputRules:
    """The part of the configuration that a worker needs."""

    keep_footer: bool = False
    #: `sha256` or `none`.
    checksum: str = "sha256"
    #: `skip` or `replace`.
    if_unchanged: str = "skip"
    file_mode: int = 0o640
    #: Decoded; None for no limit.
    max_report_bytes: int | None = None
    #: `text` or `infer`.
    types: str = "text"


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a report whose body was found whole: enough for another worker to put it in place."""

    #: Of the new file; the staged one may still hold the footer behind it.
    data_size: int
    #: Of the new file; None with `checksum: none`.
    sha256: str | None
    rows: int
    columns: int
    header: tuple[str, ...]
    #: For the user, about a report that is in order.
    message: str = ""
    #: True if the file at the destination has the same bytes and stays.
    is_unchanged: bool = False


def is_finished_in_place(payload: Payload) -> bool:
    """Whether the spool file itself becomes the report file."""
    is_plain = FORMATS[payload.report.format].is_plain
    return payload.spool_path is not None and payload.content_encoding == "identity" and is_plain


def staged_file(
    payload: Payload,
    rules: OutputRules,
    temporary_prefix: str,
    on_left_out: Callable[[tuple[LeftOut, ...]], None],
) -> AtomicFile:
    """The file that is to become the report: the spool file, or a new temporary one in the report's directory."""
    if payload.spool_path is not None and is_finished_in_place(payload):
        return AtomicFile(payload.spool_path, mode=rules.file_mode, adopt=True, on_left_out=on_left_out)
    start = f"{payload.report.directory.rstrip('/')}/{_name_start(payload, temporary_prefix)}"
    return AtomicFile(start, mode=rules.file_mode, on_left_out=on_left_out)


def remove_unfinished(payload: Payload, temporary_prefix: str) -> None:
    """Remove what a worker that is gone has left of this payload, so that the next one has the space.

    What cannot be removed is swept at the end of the run.
    """
    directory, start = payload.report.directory, _name_start(payload, temporary_prefix)
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        if name.startswith(start) and name.endswith(TEMPORARY_ENDING):
            remove_quietly(f"{directory}/{name}")


def _name_start(payload: Payload, temporary_prefix: str) -> str:
    return f"{temporary_prefix}w{payload.number}-"


def fill(file: AtomicFile, payload: Payload, rules: OutputRules, on_step: Callable[[], None]) -> Proof:
    """Give the staged file its content, from the payload's body; return what is known of it.

    A spool file keeps its footer until it is cut off by `file.truncate(proof.data_size)`, so that it can be read
    again from the start as long as nobody knows the proof.
    on_step: called often, while blocks are read and written.
    Raises ReportError if the body is not a whole report, and OSError.
    """
    output = FORMATS[payload.report.format]
    is_in_place = is_finished_in_place(payload)
    with closing(decoded_blocks(payload, max_report_bytes=rules.max_report_bytes)) as blocks:
        sink = _Sink(None if is_in_place else file, rules.checksum, on_step)
        data = ReportData(payload, sink.watched(blocks), keep_footer=rules.keep_footer and output.is_csv)
        header = labels_of(data.header, payload.report.encoding)
        scratch_start = file.temporary_path.removesuffix(TEMPORARY_ENDING) + "-scratch-"
        output.write(data, sink, Layout(data.header, payload.report.encoding, rules.types, scratch_start))
    if is_in_place and data.line_end:
        file.append(data.line_end)
    return Proof(sink.size_bytes, sink.sha256, data.rows, len(header), header, data.warning)


class _Sink(Sink):
    """Hashes and counts what a format writes, and passes it to the file, unless the file has it already.

    Refuses with ReportError `guard` a file that grows far beyond the CSV that it is made of.
    """

    def __init__(self, file: AtomicFile | None, checksum: str, on_step: Callable[[], None]) -> None:
        import hashlib

        self._file = file
        self._hash = hashlib.sha256(usedforsecurity=False) if checksum == "sha256" else None
        self._on_step = on_step
        self._csv_bytes = 0
        self.size_bytes = 0

    @property
    def sha256(self) -> str | None:
        """Of all that was written; None where no checksum is wanted."""
        return self._hash.hexdigest() if self._hash else None

    def write(self, block: bytes, /) -> None:
        if self._hash:
            self._hash.update(block)
        if self._file and block:
            self._file.write(block)
        self.size_bytes += len(block)
        if self.size_bytes > GROWTH_FLOOR_BYTES and self.size_bytes > LARGEST_FILE_GROWTH * self._csv_bytes:
            raise ReportError(
                ErrorKind.GUARD,
                f"{self._csv_bytes:,} bytes of CSV became a file of more than {self.size_bytes - 1:,}, a growth beyond"
                f" {LARGEST_FILE_GROWTH} to 1, which no report has: its column labels are too long for its cells.",
                remedy="Save the report as `csv`, and look at its first line.",
            )
        self._on_step()

    def watched(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks of the CSV, on their way to the format."""
        for block in blocks:
            self._csv_bytes += len(block)
            self._on_step()
            yield block
