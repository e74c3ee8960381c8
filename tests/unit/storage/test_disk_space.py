"""Whether the disks have room: what a run may need by what its reports took last time, against what is free."""

import os

import pytest

from sfr.model import Baseline, Report
from sfr.storage import disk_space
from sfr.storage.disk_space import shortages

MB = 1024 * 1024


def taken(directory, name="report", *, size_bytes=10 * MB, received_bytes=MB, form="csv"):
    """A report and what its last good run took; a size of None: it was never saved."""
    report = Report(0, "SFDC", name, "00OE0000002wlroMAA", str(directory), "?export=1", format=form)
    baseline = None if size_bytes is None else Baseline(5, None, "classic", received_bytes, size_bytes, 1.0)
    return report, baseline


def needed_bytes(reports, at_once=8):
    """The least free space without a warning."""
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high) // 2
        is_short = bool(shortages(reports, at_once, lambda _, free=middle: free))
        low, high = (middle + 1, high) if is_short else (low, middle)
    return low


def test_new_file_needs_its_size_and_the_room_for_the_body_received(tmp_path):
    """Nothing is there yet: the file stays, its gzip body is there for a while."""
    assert needed_bytes([taken(tmp_path)]) == 11 * MB


def test_new_file_needs_its_whole_size_although_an_old_one_goes(tmp_path):
    """The old one goes only when the new one is whole."""
    (tmp_path / "report.csv").write_bytes(b"x" * 9 * MB)
    assert needed_bytes([taken(tmp_path)]) == 11 * MB


def test_old_files_make_room_for_others_when_more_reports_follow_than_go_at_once(tmp_path):
    """Replacing a hundred files takes no more than the largest that are replaced at the same time."""
    reports = [taken(tmp_path, str(number), received_bytes=0) for number in range(100)]
    for report, _ in reports:
        os.close(os.open(report.path, os.O_CREAT | os.O_WRONLY))
        os.truncate(report.path, 10 * MB)
    assert needed_bytes(reports, at_once=3) == 30 * MB
    for report, _ in reports:
        os.unlink(report.path)
    assert needed_bytes(reports, at_once=3) == 1000 * MB


@pytest.mark.parametrize(
    ("facts", "spooled_bytes"),
    [
        ({"received_bytes": 200_000}, 0),
        ({"received_bytes": None}, 0),
        ({"received_bytes": 10 * MB + 300}, 0),
        ({"received_bytes": 10 * MB + 300, "form": "parquet"}, 10 * MB + 300),
        ({"received_bytes": 2 * MB, "form": "csv.gz"}, 2 * MB),
    ],
    ids=["in memory", "unknown", "becomes the file", "other format", "compressed file"],
)
def test_body_needs_room_only_when_it_lies_beside_the_new_file(tmp_path, facts, spooled_bytes):
    """Not if it travels in memory, and not if it is the file itself."""
    assert needed_bytes([taken(tmp_path, **facts)]) == 10 * MB + spooled_bytes


def test_reports_that_were_never_saved_need_nothing_known(tmp_path):
    """Unknown sizes cause no warning."""
    assert shortages([taken(tmp_path, size_bytes=None)], 8, lambda _: 0) == ()


def test_file_systems_are_counted_together_and_named_once(tmp_path):
    """Two directories of one file system share its room; the sentence says where, how much, and what to do."""
    reports = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        reports.append(taken(tmp_path / name, received_bytes=0))
    (sentence,) = shortages(reports, 8, lambda _: 15 * MB)
    assert "15.0 MB free" in sentence
    assert "20.0 MB: 2 reports took 20.0 MB" in sentence
    assert f"{tmp_path / 'one'} and 1 more" in sentence
    assert "free space there" in sentence


def test_file_systems_are_judged_apart(tmp_path, monkeypatch):
    """Room on one does not help another."""
    devices = {str(tmp_path / "full"): 1, str(tmp_path / "empty"): 2}
    monkeypatch.setattr(disk_space, "_device", devices.get)
    reports = [taken(tmp_path / "full"), taken(tmp_path / "empty")]
    (sentence,) = shortages(reports, 8, lambda directory: 0 if directory.endswith("full") else 99 * MB)
    assert "full" in sentence


def test_no_warning_when_the_file_system_reports_no_free_space(tmp_path):
    """No size, an error, or a directory that is not there."""

    def fail(directory):
        raise OSError(5, "Input/output error")

    assert shortages([taken(tmp_path)], 8, lambda _: None) == ()
    assert shortages([taken(tmp_path)], 8, fail) == ()
    assert shortages([taken(tmp_path / "missing")], 8, lambda _: 0) == ()
    assert disk_space.free_bytes("/proc") is None


def test_free_space_is_what_an_ordinary_user_may_write(tmp_path):
    """Not what is kept for root."""
    state = os.statvfs(tmp_path)
    assert disk_space.free_bytes(str(tmp_path)) == pytest.approx(state.f_bavail * state.f_frsize, rel=0.2)
