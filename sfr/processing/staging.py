"""Writes and proves a report's new file beside its destination, from a payload; does not put it in place.

A spooled body that needs no decoding becomes the file itself and is only read. Anything else is written to a temporary
file.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass

from sfr.body.header import labels_of
from sfr.errors import ErrorKind, ReportError
from sfr.formats import FORMATS, Layout, Sink
from sfr.processing.decoding import GROWTH_FLOOR_BYTES, decoded_blocks
from sfr.processing.report_data import ReportData
from sfr.storage.atomic import AtomicFile, remove_quietly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfr.model import Payload
    from sfr.storage.lease_claim import LeaseClaim
    from sfr.storage.unsupported import UnsupportedFeature

TEMPORARY_SUFFIX = ".part"
#: Maximum of bytes of the new file per byte of CSV; no report exceeds it: `jsonl` repeats the labels in every record,
#: which gives 87 for empty cells and labels of 255 characters. Files up to `GROWTH_FLOOR_BYTES` are not checked.
MAX_FILE_GROWTH = 200


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
    #: Of a run under a fleet: has to be current right before a rename.
    claim: LeaseClaim | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The facts about a report whose body was proved complete: enough for another worker to put it in place."""

    #: Of the new file; in the staged file the footer may still follow.
    data_size: int
    #: Of the new file; None with `checksum: none`.
    sha256: str | None
    #: None if unknown: those of a joined report's workbook.
    rows: int | None
    #: These are None for a workbook, whose cells are not read.
    columns: int | None
    header: tuple[str, ...] | None
    #: A warning for the user about a valid report.
    message: str = ""
    #: True if the file at the destination has the same bytes and is kept.
    is_unchanged: bool = False


def is_finished_in_place(payload: Payload) -> bool:
    """Whether the spool file itself becomes the report file."""
    is_plain = payload.is_workbook or FORMATS[payload.report.format].is_plain
    return payload.spool_path is not None and payload.content_encoding == "identity" and is_plain


def staged_file(
    payload: Payload,
    rules: OutputRules,
    temporary_prefix: str,
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None],
) -> AtomicFile:
    """The file that will become the report: the spool file, or a new temporary one in the report's directory."""
    if payload.spool_path is not None and is_finished_in_place(payload):
        return AtomicFile(payload.spool_path, mode=rules.file_mode, adopt=True, on_unsupported=on_unsupported)
    start = f"{payload.report.directory.rstrip('/')}/{_name_prefix(payload, temporary_prefix)}"
    return AtomicFile(start, mode=rules.file_mode, on_unsupported=on_unsupported)


def remove_unfinished(payload: Payload, temporary_prefix: str) -> None:
    """Remove the temporary files of a dead worker for this payload, to free their space for the next one.

    Files that cannot be removed are swept at the end of the run.
    """
    directory, start = payload.report.directory, _name_prefix(payload, temporary_prefix)
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        if name.startswith(start) and name.endswith(TEMPORARY_SUFFIX):
            remove_quietly(f"{directory}/{name}")


def _name_prefix(payload: Payload, temporary_prefix: str) -> str:
    return f"{temporary_prefix}w{payload.report.position}-{payload.attempt}-"


def fill(file: AtomicFile, payload: Payload, rules: OutputRules, on_step: Callable[[], None]) -> Proof:
    """Write the content of the staged file, from the payload's body; returns the proof.

    A spool file keeps its footer until `file.truncate(proof.data_size)`, so that it can be read again from the start
    until the proof has been reported.
    on_step: called for every block read or written.
    Raises ReportError if the body is not a complete report, and OSError.
    """
    if payload.is_workbook:
        return _fill_workbook(file, payload, rules, on_step)
    output = FORMATS[payload.report.format]
    is_in_place = is_finished_in_place(payload)
    with closing(decoded_blocks(payload, max_report_bytes=rules.max_report_bytes)) as blocks:
        sink = _Sink(None if is_in_place else file, rules.checksum, on_step)
        data = ReportData(payload, sink.counted(blocks), keep_footer=rules.keep_footer and output.is_csv)
        header = labels_of(data.header, payload.report.encoding)
        scratch_start = file.temporary_path.removesuffix(TEMPORARY_SUFFIX) + "-scratch-"
        layout = Layout(data.header, payload.report.encoding, rules.types, scratch_start, payload.report.name)
        agreement = _write_checked(data, sink, layout, payload)
    if is_in_place and data.line_end:
        file.append(data.line_end)
    message = " ".join(filter(None, [data.warning, payload.note, agreement]))
    return Proof(sink.size_bytes, sink.sha256, data.rows, len(header), header, message)


def _write_checked(data: ReportData, sink: _Sink, layout: Layout, payload: Payload) -> str:
    """Write the data; returns which of the payload's checks its first and last rows agree with, as a sentence."""
    output = FORMATS[payload.report.format]
    if not payload.checks:
        output.write(data, sink, layout)
        return ""
    from sfr.processing.row_checks import RowSample, agreement  # most reports have no checks

    sample = RowSample(data.header, layout.encoding)
    output.write(sample.observed(data), sink, layout)
    return agreement(payload.checks, sample)


def _fill_workbook(file: AtomicFile, payload: Payload, rules: OutputRules, on_step: Callable[[], None]) -> Proof:
    from sfr.processing.workbook import prove_workbook  # most runs have no workbook

    sink = _Sink(None if is_finished_in_place(payload) else file, rules.checksum, on_step)
    with closing(decoded_blocks(payload, max_report_bytes=rules.max_report_bytes)) as blocks:
        for block in sink.counted(blocks):
            sink.write(block)
    prove_workbook(file.temporary_path, is_framed=payload.is_framed, on_step=on_step)
    return Proof(sink.size_bytes, sink.sha256, payload.counted_rows, None, None, payload.note)


class _Sink(Sink):
    """Hashes and counts what a format writes, and writes it to the file, unless that has the content already.

    Raises ReportError `guard` for a file that is out of proportion to its CSV.
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
        """Hash of everything written; None if no checksum is configured."""
        return self._hash.hexdigest() if self._hash else None

    def write(self, block: bytes, /) -> None:
        if self._hash:
            self._hash.update(block)
        if self._file and block:
            self._file.write(block)
        self.size_bytes += len(block)
        if self.size_bytes > GROWTH_FLOOR_BYTES and self.size_bytes > MAX_FILE_GROWTH * self._csv_bytes:
            raise ReportError(
                ErrorKind.GUARD,
                f"{self._csv_bytes:,} bytes of CSV became a file of more than {self.size_bytes - 1:,}, a ratio above"
                f" {MAX_FILE_GROWTH} to 1, which no report has: its column labels are too long for its cells.",
                remedy="Save the report as `csv`, and check its first line.",
            )
        self._on_step()

    def counted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the blocks of the CSV to the format, counting them."""
        for block in blocks:
            self._csv_bytes += len(block)
            self._on_step()
            yield block
