"""What a worker does with a payload: the file in place and how it ended, whatever the data or the disk does."""

import errno
import gzip
import hashlib
import os
import shutil
import stat
from datetime import UTC, datetime

import pytest

from sfr.errors import ErrorKind
from sfr.model import Baseline, Guards, Status
from sfr.processing import staging
from sfr.processing.report_file import Proof
from tests.bodies import DATA, FOOTER, PREFIX, make_payload, run

OLD = b'"Id","Name"\n"0","old"\n'
SHAPES = [(spooled, encoding) for spooled in (False, True) for encoding in ("identity", "gzip")]
LARGE = b'"Id","Name"\n' + b'"1","name, with ""quotes"""\n' * 40_000


@pytest.fixture(params=SHAPES, ids=["inline", "inline-gzip", "spooled", "spooled-gzip"])
def shape(request):
    """How the body travels."""
    return request.param


def shaped(directory, body, shape, **facts):
    """A payload of this body in this shape."""
    spooled, encoding = shape
    content = gzip.compress(body, 1, mtime=0) if encoding == "gzip" else body
    return make_payload(directory, content, spooled=spooled, content_encoding=encoding, **facts)


@pytest.mark.parametrize("data", [DATA, LARGE], ids=["small", "large"])
def test_process_saves_the_data_and_says_all_about_it(tmp_path, shape, data):
    """The body's bytes less the footer; every fact of the summary; no temporary file left."""
    begun_at = datetime.now(UTC)
    stats = run(shaped(tmp_path, data + FOOTER, shape), file_mode=0o604)
    path = tmp_path / "report.csv"

    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["report.csv"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert (stats.status, stats.error, stats.message) == (Status.SAVED, None, "")
    assert (stats.rows, stats.columns, stats.header) == (data.count(b'\n"') - (data is DATA) * 0, 2, ("Id", "Name"))
    assert (stats.size_bytes, stats.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert begun_at <= stats.pulled_at
    assert stats.worked_s >= 0


def test_process_makes_the_directory(tmp_path):
    """`report_path` is made if missing."""
    payload = make_payload(tmp_path / "a" / "b")

    assert run(payload).status is Status.SAVED
    assert (tmp_path / "a" / "b" / "report.csv").read_bytes() == DATA


def test_process_leaves_no_checksum_when_none_is_wanted(tmp_path, shape):
    """`checksum: none`."""
    assert run(shaped(tmp_path, DATA + FOOTER, shape), checksum="none").sha256 is None


def test_process_keeps_the_footer_when_configured(tmp_path, shape):
    """The body as it came; rows exclude the footer."""
    stats = run(shaped(tmp_path, DATA + FOOTER[:-1], shape), keep_footer=True)

    assert (tmp_path / "report.csv").read_bytes() == DATA + FOOTER[:-1]
    assert (stats.rows, stats.size_bytes) == (2, len(DATA + FOOTER) - 1)


def test_process_adds_a_missing_final_line_end(tmp_path, shape):
    """A body without footer may end without a line end; the file does not."""
    stats = run(shaped(tmp_path, DATA[:-1], shape, report={"footer": "optional"}))

    assert (tmp_path / "report.csv").read_bytes() == DATA
    assert (stats.size_bytes, stats.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert "nothing proves" in stats.message


@pytest.mark.parametrize(("label_bytes", "error"), [(255, None), (900_000, ErrorKind.GUARD)])
def test_process_refuses_a_file_that_grows_far_beyond_its_csv(tmp_path, monkeypatch, label_bytes, error):
    """`jsonl` repeats every label in every record; those that Salesforce allows pass, even beside empty cells."""
    monkeypatch.setattr(staging, "GROWTH_FLOOR_BYTES", 1_000_000)
    (tmp_path / "report.jsonl").write_bytes(OLD)
    body = b'"' + b"x" * label_bytes + b'"\n' + b'""\n' * 5000
    stats = run(make_payload(tmp_path, body + FOOTER, report={"format": "jsonl"}))

    assert stats.error is error
    assert ((tmp_path / "report.jsonl").read_bytes() == OLD) == (error is not None)
    assert os.listdir(tmp_path) == ["report.jsonl"]


def test_process_leaves_an_identical_file_untouched(tmp_path, shape):
    """`if_unchanged: skip`: the same inode with the same times and mode."""
    path = tmp_path / "report.csv"
    path.write_bytes(DATA)
    path.chmod(0o600)
    os.utime(path, (1, 1))
    before = path.stat()
    stats = run(shaped(tmp_path, DATA + FOOTER, shape))
    after = path.stat()

    assert stats.status is Status.UNCHANGED
    assert stats.pulled_at is not None
    assert (stats.size_bytes, stats.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert (before.st_ino, before.st_mtime_ns, before.st_mode) == (after.st_ino, after.st_mtime_ns, after.st_mode)
    assert os.listdir(tmp_path) == ["report.csv"]


@pytest.mark.parametrize("there", [DATA[:-1], DATA + b"\n", DATA.replace(b"two", b"tow")])
def test_process_replaces_a_file_that_differs_in_one_byte(tmp_path, shape, there):
    """Size and bytes are compared, nothing less."""
    (tmp_path / "report.csv").write_bytes(there)

    assert run(shaped(tmp_path, DATA + FOOTER, shape)).status is Status.SAVED
    assert (tmp_path / "report.csv").read_bytes() == DATA


def test_process_replaces_an_identical_file_when_configured(tmp_path, shape):
    """`if_unchanged: replace`."""
    path = tmp_path / "report.csv"
    path.write_bytes(DATA)
    inode = path.stat().st_ino

    assert run(shaped(tmp_path, DATA + FOOTER, shape), if_unchanged="replace").status is Status.SAVED
    assert path.stat().st_ino != inode


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (DATA, ErrorKind.TRUNCATED),
        (DATA + FOOTER[:-30], ErrorKind.TRUNCATED),
        (DATA + b'"open', ErrorKind.TRUNCATED),
        (b"", ErrorKind.EMPTY),
        (b" \n", ErrorKind.EMPTY),
        (b"\n<html>log in</html>", ErrorKind.NOT_CSV),
        (b'[{"errorCode":"X"}]', ErrorKind.NOT_CSV),
        (LARGE, ErrorKind.TRUNCATED),
    ],
)
def test_process_leaves_the_old_file_and_nothing_else_when_the_body_is_no_report(tmp_path, shape, body, kind):
    """The reason with a remedy, rows unknown, the old bytes, no temporary file."""
    (tmp_path / "report.csv").write_bytes(OLD)
    stats = run(shaped(tmp_path, body, shape))

    assert (stats.status, stats.error) == (Status.FAILED, kind)
    assert len(stats.message) > 60
    assert (stats.rows, stats.size_bytes, stats.sha256, stats.pulled_at) == (None, None, None, None)
    assert (tmp_path / "report.csv").read_bytes() == OLD
    assert os.listdir(tmp_path) == ["report.csv"]


def test_process_never_saves_a_gzip_body_cut_at_any_byte(tmp_path):
    """Whatever footer the inflated part shows."""
    body = gzip.compress(DATA + FOOTER, mtime=0)
    for size in range(len(body)):
        stats = run(make_payload(tmp_path, body[:size], content_encoding="gzip"))
        assert stats.error in (ErrorKind.TRUNCATED, ErrorKind.EMPTY)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("limit", [10, 1_000_000])
def test_process_stops_at_the_size_limit(tmp_path, shape, limit):
    """`max_report_bytes` counts decoded bytes, footer included."""
    body = LARGE + FOOTER
    assert run(shaped(tmp_path, body, shape), max_report_bytes=limit).error is ErrorKind.GUARD
    assert os.listdir(tmp_path) == []
    assert run(shaped(tmp_path, body, shape), max_report_bytes=len(body)).status is Status.SAVED


def test_process_refuses_an_encoding_that_was_not_requested(tmp_path):
    """Anything but gzip."""
    assert run(make_payload(tmp_path, content_encoding="br")).error is ErrorKind.NOT_CSV


#: System calls by the shapes of bodies that make them.
CALLS = [(shape, call) for shape in SHAPES for call in ("open", "fsync", "replace", "fchmod")]
CALLS += [(shape, "ftruncate" if shape == (True, "identity") else "write") for shape in SHAPES]


@pytest.mark.parametrize(("shape", "call"), CALLS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_process_ends_as_disk_when_a_system_call_fails(tmp_path, monkeypatch, shape, call, code):
    """The old file stays, nothing is left over, and the message names the file and the reason."""
    (tmp_path / "report.csv").write_bytes(OLD)
    payload = shaped(tmp_path, DATA + FOOTER, shape)

    def fail(*arguments, **names):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    stats = run(payload)
    monkeypatch.undo()

    assert (stats.status, stats.error) == (Status.FAILED, ErrorKind.DISK)
    assert os.strerror(code) in stats.message
    assert str(tmp_path) in stats.message
    assert (tmp_path / "report.csv").read_bytes() == OLD
    assert os.listdir(tmp_path) == ["report.csv"]


def test_process_ends_as_disk_when_the_destination_is_a_directory(tmp_path, shape):
    """And leaves it alone."""
    (tmp_path / "report.csv").mkdir()
    stats = run(shaped(tmp_path, DATA + FOOTER, shape))

    assert stats.error is ErrorKind.DISK
    assert "Is a directory" in stats.message
    assert os.listdir(tmp_path) == ["report.csv"]


def test_process_ends_as_disk_when_the_name_is_too_long(tmp_path):
    """A name that the file system refuses, noticed late: the temporary file has a short one."""
    assert run(make_payload(tmp_path, report={"name": "n" * 300})).error is ErrorKind.DISK
    assert os.listdir(tmp_path) == []


def test_process_ends_as_disk_when_the_directory_cannot_be(tmp_path):
    """A file where the directory should be."""
    (tmp_path / "file").write_bytes(b"")

    assert run(make_payload(tmp_path / "file")).error is ErrorKind.DISK


def test_process_requires_another_download_when_a_dead_worker_removed_the_body(tmp_path):
    """A worker that removed a cut body and died before it could report that leaves nothing to process."""
    payload = make_payload(tmp_path, spooled=True)
    os.unlink(payload.spool_path)

    stats = run(payload)

    assert stats.error is ErrorKind.TRUNCATED
    assert stats.is_retryable


def guarded(directory, shape, body=DATA + FOOTER, **guards):
    """A payload whose report has guards and an earlier run of 100 rows."""
    baseline = Baseline(100, ("Id", "Name"), "classic", 1, 1, 1.0)
    return shaped(directory, body, shape, report={"guards": Guards(**guards)}, baseline=baseline)


def test_process_puts_new_data_aside_when_a_guard_fires(tmp_path, shape):
    """The old file stays, the new data can be looked at, and the facts say what it holds."""
    (tmp_path / "report.csv").write_bytes(OLD)
    (tmp_path / "report.csv.rejected").write_bytes(b"of an earlier run")
    stats = run(guarded(tmp_path, shape, max_drop_pct=50))

    assert (stats.status, stats.error, stats.rows) == (Status.FAILED, ErrorKind.GUARD, 2)
    assert str(tmp_path / "report.csv.rejected") in stats.message
    assert (stats.size_bytes, stats.sha256, stats.pulled_at) == (None, None, None)
    assert (tmp_path / "report.csv").read_bytes() == OLD
    assert (tmp_path / "report.csv.rejected").read_bytes() == DATA
    assert sorted(os.listdir(tmp_path)) == ["report.csv", "report.csv.rejected"]


def test_process_keeps_the_guard_as_the_reason_when_data_cannot_be_put_aside(tmp_path, shape):
    """The disk's trouble comes second."""
    (tmp_path / "report.csv.rejected").mkdir()
    stats = run(guarded(tmp_path, shape, min_rows=3))

    assert stats.error is ErrorKind.GUARD
    assert "could not be saved" in stats.message
    assert os.listdir(tmp_path) == ["report.csv.rejected"]


def test_process_distinguishes_a_report_without_rows_from_an_answer_without_content(tmp_path, shape):
    """The first is final, the second may pass with another attempt: `rows` is 0 or unknown."""
    no_rows = run(guarded(tmp_path, shape, b'"Id","Name"\n' + FOOTER, may_be_empty="false"))
    nothing = run(guarded(tmp_path, shape, b"", may_be_empty="false"))
    warned = run(guarded(tmp_path, shape, b'"Id","Name"\n' + FOOTER))

    assert (no_rows.error, no_rows.rows) == (ErrorKind.EMPTY, 0)
    assert (nothing.error, nothing.rows) == (ErrorKind.EMPTY, None)
    assert (warned.status, warned.rows) == (Status.SAVED, 0)
    assert "the last good run had 100" in warned.message


def test_process_reports_the_proof_before_anything_that_cannot_be_done_again(tmp_path, shape):
    """While the proof travels the body is whole and the old file in place."""
    (tmp_path / "report.csv").write_bytes(OLD)
    payload = shaped(tmp_path, DATA + FOOTER, shape)
    seen = []

    def look(proof):
        assert (tmp_path / "report.csv").read_bytes() == OLD
        assert payload.spool_path is None or os.path.getsize(payload.spool_path) == payload.received_bytes
        seen.append(proof)

    run(payload, on_proof=look)

    assert seen == [Proof(len(DATA), hashlib.sha256(DATA).hexdigest(), 2, 2, ("Id", "Name"))]


@pytest.mark.parametrize("died", ["before the cut", "after the cut", "after the rename"])
@pytest.mark.parametrize("outcome", ["saved", "unchanged", "rejected"])
def test_process_finishes_what_a_killed_worker_had_proved(tmp_path, shape, died, outcome):
    """Wherever the worker died after its proof, the next one ends as it would have."""
    guards = {"min_rows": 3} if outcome == "rejected" else {}
    before = DATA if outcome == "unchanged" else OLD
    (tmp_path / "report.csv").write_bytes(before)
    payload = guarded(tmp_path, shape, **guards)
    proofs = []

    def keep(proof):
        proofs.append(proof)
        if payload.spool_path:
            shutil.copy(payload.spool_path, tmp_path / "spool")

    expected = run(payload, on_proof=keep)
    if died != "after the rename":
        (tmp_path / "report.csv").write_bytes(before)
        (tmp_path / "report.csv.rejected").unlink(missing_ok=True)
        if payload.spool_path:
            shutil.copy(tmp_path / "spool", payload.spool_path)
            if died == "after the cut" and payload.content_encoding == "identity":
                os.truncate(payload.spool_path, len(DATA))
        (tmp_path / f"{PREFIX}w0-2.part").write_bytes(b"left by the killed worker")
    (tmp_path / "spool").unlink(missing_ok=True)
    stats = run(payload, proof=proofs[0])
    (tmp_path / f"{PREFIX}w0-2.part").unlink(missing_ok=True)

    assert (stats.status, stats.error, stats.sha256) == (expected.status, expected.error, expected.sha256)
    assert (stats.rows, stats.columns, stats.header) == (2, 2, ("Id", "Name"))
    assert (tmp_path / "report.csv").read_bytes() == (OLD if outcome == "rejected" else DATA)
    assert sorted(os.listdir(tmp_path)) == ["report.csv"] + ["report.csv.rejected"] * (outcome == "rejected")


def test_process_trusts_no_proof_whose_bytes_are_gone(tmp_path):
    """No spool file and another file at the destination: a failure, not a guess."""
    (tmp_path / "report.csv").write_bytes(OLD)
    payload = make_payload(tmp_path, spooled=True)
    proofs = []
    run(payload, on_proof=proofs.append)
    (tmp_path / "report.csv").write_bytes(OLD)

    assert run(payload, proof=proofs[0]).error is ErrorKind.DISK
    (tmp_path / os.path.basename(payload.spool_path)).write_bytes(DATA[:-5])
    assert run(payload, proof=proofs[0]).error is ErrorKind.TRUNCATED
    assert (tmp_path / "report.csv").read_bytes() == OLD


def test_process_reports_progress(tmp_path, monkeypatch):
    """Again and again, while the body is read."""
    monkeypatch.setattr("sfr.processing.report_file.PROGRESS_INTERVAL_S", 0.0)
    from sfr.processing.report_file import OutputRules, process

    calls = []
    payload = make_payload(tmp_path, LARGE + FOOTER, spooled=True)
    process(
        payload,
        OutputRules(),
        temporary_prefix=PREFIX,
        on_progress=lambda: calls.append(None),
        on_proof=lambda proof: None,
    )

    assert len(calls) > 1


def test_process_lets_a_bug_through_and_cleans_up(tmp_path, monkeypatch):
    """What no data and no disk does is not hidden."""

    def bug(*arguments, **names):
        raise ZeroDivisionError

    monkeypatch.setattr("sfr.processing.report_file.check", bug)
    payload = make_payload(tmp_path, spooled=True)
    with pytest.raises(ZeroDivisionError):
        run(payload)

    assert os.listdir(tmp_path) == []
