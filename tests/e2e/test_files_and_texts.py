"""Files and texts in place of a report, all with status 200 and called a download: the old file always stays."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tests.bodies import DATA, FOOTER
from tests.e2e.conftest import row
from tests.raw_server import RawServer, Reply, response

OLD = b"of an earlier run\n"
ATTEMPTS = 3
#: Bodies that no retry changes, and what the message says about them.
FINAL = {
    "workbook": (b"PK\3\4\x14\0\6\0 and so on", "workbook"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", "workbook"),
    "gzip": (gzip.compress(DATA + FOOTER, mtime=0), "gzip"),
    "pdf": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
    "image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image"),
    "unknown": (b"\x05\x06\x07\n\1,\2\n", "05 06 07"),
    "policy": (b"Access Denied by Example Gateway.\nTry again from the office.\n", "Example Gateway"),
    "lines": (b"Oops\n\n\nDetails, if any, follow\n", "Details, if any"),
}
#: Texts of faults that pass.
TRANSIENT = {
    "salesforce": (b"An internal server error has occurred\n", "internal server error", "server"),
    "gateway": (
        b"upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        "upstream connect error",
        "server",
    ),
    "limit": (b"Concurrent requests limit exceeded", "Concurrent requests", "rate_limited"),
}
#: Sent with `Content-Encoding: gzip`.
NOT_GZIP = {
    "plain csv": (DATA + FOOTER, "not compressed"),
    "plain text": (b"upstream connect error", "upstream connect error"),
    "deflated": (zlib.compress(DATA + FOOTER), "zlib"),
    "twice": (gzip.compress(gzip.compress(DATA + FOOTER, mtime=0), mtime=0), "gzip data inside"),
}
MEMBER = gzip.compress(b"x" * (8 * 1024 * 1024), mtime=0)
GROWING = b'"Id","Text"\n"1","'
BODIES = {
    **{name: response(200, body, Content_Disposition="attachment") for name, (body, _) in FINAL.items()},
    **{name: response(200, body, Content_Disposition="attachment") for name, (body, _, _) in TRANSIENT.items()},
    **{
        name: response(200, body, Content_Type="text/csv", Content_Encoding="gzip")
        for name, (body, _) in NOT_GZIP.items()
    },
    "growing": response(
        200, gzip.compress(GROWING, mtime=0) + MEMBER * 360, Content_Type="text/csv", Content_Encoding="gzip"
    ),
}


class Night:
    """A run over every body, with the footer required or optional."""

    def __init__(self, job, server, footer):
        job.configure(
            server.url,
            {"sid": {"value": "00D5g0000000RAW!NOT.REAL"}},
            [row(name, f"00O{number:012d}", footer=footer) for number, name in enumerate(BODIES)],
            fetch={"attempts": ATTEMPTS, "retry_budget": 1000, "threads": 4},
        )
        job.output.mkdir(exist_ok=True)
        for name in BODIES:
            job.file(name).write_bytes(OLD)
        self.ended = job.run()
        job.assert_clean(self.ended)
        self.reports = job.reports()
        self.files = {name: job.file(name).read_bytes() for name in BODIES}
        self.left_over = [path.name for path in job.output.glob(".sfr-*")]


@pytest.fixture(scope="module")
def nights(new_job):
    """The same answers with the footer required, and with an optional one."""
    answers = {f"00O{number:012d}": BODIES[name] for number, name in enumerate(BODIES)}

    def answer(request):
        if not request.target.startswith("/00O"):
            return Reply([response(200, b'[{"version": "64.0"}]', Content_Type="application/json")], "keep")
        return Reply([answers[request.target[1:16]]], "keep")

    with RawServer(answer) as server:
        return {footer: Night(new_job(footer), server, footer) for footer in ("required", "optional")}


@pytest.mark.parametrize("footer", ["required", "optional"])
def test_old_files_stay_whatever_comes_in_place_of_a_report(nights, footer):
    """Nothing is saved, nothing is left over, and the run says so."""
    night = nights[footer]
    assert night.ended.code == 5
    assert set(night.files.values()) == {OLD}
    assert night.left_over == []


@pytest.mark.parametrize("footer", ["required", "optional"])
@pytest.mark.parametrize("name", [*FINAL, *NOT_GZIP])
def test_answer_that_no_retry_can_fix_is_refused_once_and_named(nights, name, footer):
    """One request; the kind of file or the text; never the advice to do without a footer or to narrow filters."""
    outcome, says = nights[footer].reports[name], {**FINAL, **NOT_GZIP}[name][1]
    assert (outcome["error"], outcome["attempt_count"], outcome["http_status"]) == ("not_csv", 1, 200)
    assert says in outcome["message"]
    assert "footer" not in outcome["message"]
    assert "filters" not in outcome["message"]
    if name in NOT_GZIP:
        assert "proxy" in outcome["message"]


@pytest.mark.parametrize("name", TRANSIENT)
def test_text_of_a_transient_fault_is_retried_where_a_footer_is_required(nights, name):
    """An answer means what its text says."""
    _, says, error = TRANSIENT[name]
    outcome = nights["required"].reports[name]
    assert (outcome["error"], outcome["attempt_count"]) == (error, ATTEMPTS)
    assert says in outcome["message"]
    assert "footer" not in outcome["message"]


@pytest.mark.parametrize("name", TRANSIENT)
def test_text_of_a_transient_fault_is_no_csv_where_the_footer_is_optional(nights, name):
    """Quoted, and refused at once."""
    outcome = nights["optional"].reports[name]
    assert (outcome["error"], outcome["attempt_count"]) == ("not_csv", 1)
    assert TRANSIENT[name][1] in outcome["message"]


@pytest.mark.parametrize("footer", ["required", "optional"])
def test_body_that_grows_as_no_report_does_is_refused_once(nights, footer):
    """Three megabytes that would become three gigabytes, with no limit configured."""
    outcome = nights[footer].reports["growing"]
    assert (outcome["error"], outcome["attempt_count"]) == ("guard", 1)
    assert "max_report_bytes" in outcome["message"]
