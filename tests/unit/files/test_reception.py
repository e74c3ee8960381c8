"""Receiving a body: inline while small, spooled when not."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ErrorKind, ReportError
from sfr.files.reception import SPOOLED_FROM_BYTES, InlineBudget, Reception


@given(sizes=st.lists(st.integers(1, 200_000), max_size=8), budget_bytes=st.integers(0, 400_000))
def test_reception_gives_back_the_bytes_it_took(sizes, budget_bytes, tmp_path_factory):
    """Whatever the chunks and the budget: the body is whole, in memory or in the file, never in both."""
    chunks = [bytes([number]) * size for number, size in enumerate(sizes)]
    directory = tmp_path_factory.mktemp("spool")
    reception = Reception(str(directory / "body-"), InlineBudget(budget_bytes))
    for chunk in chunks:
        reception.write(chunk)

    body = reception.finish()

    whole = b"".join(chunks)
    assert reception.received_bytes == len(whole)
    if body is None:
        with open(reception.spool_path, "rb") as spool:
            assert spool.read() == whole
    else:
        assert body == whole
        assert len(body) < SPOOLED_FROM_BYTES
        assert len(body) <= budget_bytes
        assert reception.spool_path is None
        assert os.listdir(directory) == []


def test_reception_leaves_nothing_when_discarded(tmp_path):
    """A body that failed on the way takes its spool file with it."""
    reception = Reception(str(tmp_path / "body-"), InlineBudget())
    reception.write(b"x" * SPOOLED_FROM_BYTES)
    reception.discard()

    assert list(tmp_path.iterdir()) == []


def test_reception_raises_nothing_when_it_is_discarded(tmp_path, monkeypatch):
    """Why it is discarded is told by the error that led to it, not by a disk that fails once more."""

    def fail(*arguments):
        raise OSError(5, "Input/output error")

    reception = Reception(str(tmp_path / "body-"), InlineBudget())
    reception.write(b"x" * SPOOLED_FROM_BYTES)
    monkeypatch.setattr(os, "close", fail)
    monkeypatch.setattr(os, "unlink", fail)
    reception.discard()


def test_reception_spools_small_bodies_when_the_budget_is_used_up(tmp_path):
    """Bodies in flight never take more memory than the budget; released memory can be used again."""
    budget = InlineBudget(10)
    receptions = [Reception(str(tmp_path / f"{number}-"), budget) for number in range(3)]
    for reception in receptions:
        reception.write(b"12345678")

    first, second = receptions[0].finish(), receptions[1].finish()
    budget.release(8)
    third = receptions[2].finish()

    assert [b"12345678", None, b"12345678"] == [first, second, third]


def test_reception_fails_as_disk_when_the_spool_cannot_be_written(tmp_path):
    """The error names the directory and the system's reason."""
    reception = Reception(str(tmp_path / "missing" / "body-"), InlineBudget(0))
    reception.write(b"x")

    with pytest.raises(ReportError, match="No such file or directory") as caught:
        reception.finish()
    assert caught.value.kind is ErrorKind.DISK


def test_reception_fails_as_guard_when_the_body_outgrows_the_largest_report(tmp_path):
    """An endless body stops at `fetch.max_report_bytes`, not when the disk is full."""
    reception = Reception(str(tmp_path / "body-"), InlineBudget(), max_report_bytes=1000)
    endless = iter(lambda: reception.write(b"x" * 1000), "never")

    with pytest.raises(ReportError, match="max_report_bytes") as caught:
        any(endless)
    assert caught.value.kind is ErrorKind.GUARD
    reception.discard()
