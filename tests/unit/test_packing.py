"""Packing how a report ended, and a sequence whose items are made when they are looked at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ErrorKind
from sfr.lazy import Mapped
from sfr.model import FetchTimes, Report, ReportStats, Status
from sfr.packing import pack, unpack

REPORT = Report(7, "SFDC", "Pipeline", "00OE0000002wlroMAA", "/nowhere", "?export=1")
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
CLOCKS = st.floats(0, 1e9)
COUNTS = st.integers(0, 2**63)
STATS = st.builds(
    ReportStats,
    report=st.just(REPORT),
    status=st.sampled_from(Status),
    error=st.none() | st.sampled_from(ErrorKind),
    message=st.text(),
    attempt_count=COUNTS,
    created_at=st.none() | TIMES,
    pulled_at=st.none() | TIMES,
    processing_time_s=st.none() | CLOCKS,
    rows=st.none() | COUNTS,
    columns=st.none() | COUNTS,
    size_bytes=st.none() | COUNTS,
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    route=st.none() | st.sampled_from(["classic", "analytics", "bulk"]),
    http_status=st.none() | st.integers(100, 599),
    header=st.none() | st.tuples(st.text()),
    times=st.none() | st.builds(FetchTimes, TIMES, CLOCKS, CLOCKS, CLOCKS, CLOCKS, st.integers(0, 64)),
    taken_clock_s=st.none() | CLOCKS,
    done_clock_s=st.none() | CLOCKS,
    received_bytes=st.none() | COUNTS,
)


@given(STATS)
def test_packing_brings_back_all_but_the_header(stats):
    """Every value of every field, to the microsecond and the last bit; the report is the very one that is handed in."""
    unpacked = unpack(REPORT, pack(stats))

    assert unpacked == replace(stats, header=None)
    assert unpacked.report is REPORT
    assert (type(unpacked.status), type(unpacked.error)) == (type(stats.status), type(stats.error))


def test_packing_keeps_the_point_in_time_when_it_came_with_another_zone():
    """A worker's datetime carries the zone's offset of its moment; what is told is the machine's zone."""
    there = datetime(2026, 11, 24, 5, 30, 0, 123456, timezone(timedelta(hours=5, minutes=30)))

    unpacked = unpack(REPORT, pack(ReportStats(REPORT, Status.SAVED, created_at=there)))

    assert unpacked.created_at == there
    assert unpacked.created_at.tzinfo is not None


def test_mapped_sequence_makes_its_items_anew_when_they_are_looked_at():
    """By place, by slice and in order; what is made is not kept."""
    made = []

    def make(number):
        made.append(number)
        return number * 10

    mapped = Mapped([1, 2, 3], make)
    assert made == []
    assert (len(mapped), mapped[-1], list(mapped[1:]), list(mapped)) == (3, 30, [20, 30], [10, 20, 30])
    assert made == [3, 2, 3, 1, 2, 3]
    assert 20 in mapped
    assert 25 not in mapped
