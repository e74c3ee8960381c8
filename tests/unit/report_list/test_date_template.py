"""Dates in names, paths and parameters."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.config.time_zone import find_zone, in_zone
from sfr.report_list.date_template import fill_dates

AT = datetime(2026, 3, 31, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{run_date}", "2026-03-31"),
        ("{month_start}", "2026-03-01"),
        ("{month_end}", "2026-03-31"),
        ("{run_date-7d}", "2026-03-24"),
        ("{run_date+1d}", "2026-04-01"),
        ("{run_date-1m}", "2026-02-28"),
        ("{run_date+1m}", "2026-04-30"),
        ("{run_date-13m}", "2025-02-28"),
        ("{run_date-1y}", "2025-03-31"),
        ("{month_start-1m}", "2026-02-01"),
        ("{month_start-1d}", "2026-02-28"),
        ("{month_end-1m}", "2026-02-28"),
        ("{month_end+1m}", "2026-04-30"),
        ("{month_end+1d}", "2026-04-01"),
        ("{month_start-1y:%Y%m%d}", "20250301"),
        ("{run_date:%d.%m.%Y}", "31.03.2026"),
        ("{run_date-7d:%m/%d/%Y}", "03/24/2026"),
        ("{run_date:%H:%M}", "14:05"),
        ("{month_start:%H:%M:%S}", "00:00:00"),
        ("{run_date:100%%}", "100%"),
        ("a {run_date} b {run_date:%Y} c", "a 2026-03-31 b 2026 c"),
        ("no date, a } and 100%", "no date, a } and 100%"),
        ("", ""),
    ],
)
def test_fill_dates_gives_the_date(text, expected):
    """Placeholder, offset and form, on 31 March 2026."""
    assert fill_dates(text, AT) == expected


def test_fill_dates_takes_the_leap_day_to_the_28th_when_the_year_has_none():
    """The month's last day where it is shorter."""
    assert fill_dates("{run_date-1y} {run_date+4y}", datetime(2024, 2, 29, tzinfo=UTC)) == "2023-02-28 2028-02-29"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{rundate}", "has the unknown placeholder '{rundate}'; did you mean `run_date`?"),
        ("{today}", "has the unknown placeholder '{today}'; expected {run_date}"),
        ("{}", "has the unknown placeholder '{}'; expected {run_date}"),
        ("{{run_date}}", "has a `{` without its `}`"),
        ("{run_date", "has a `{` without its `}`"),
        ("{run_date-7}", "has the malformed placeholder"),
        ("{run_date-7w}", "has the malformed placeholder"),
        ("{run_date 7d}", "has the malformed placeholder"),
        ("{run_date-7d+1m}", "has the malformed placeholder"),
        ("{run_date:}", "has the malformed placeholder"),
        ("{run_date:%}", "has a form that strftime does not support"),
        ("{run_date:%Q}", "has a form that strftime does not support"),
        ("{run_date:%Y\0}", "has a form that strftime does not support, in '{run_date:%Y\\x00}'"),
        ("{run_date-9999y}", "has a date outside the years 1 to 9999"),
        ("{run_date-999999d}", "has a date outside the years 1 to 9999"),
        ("{run_date+999999m}", "has a date outside the years 1 to 9999"),
    ],
)
def test_fill_dates_says_what_is_wrong(text, expected):
    """A typing error must not become a file name."""
    with pytest.raises(ValueError, match=r"expected|did you mean") as caught:
        fill_dates(text, AT)

    assert expected in str(caught.value)


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(-500, 500))
def test_fill_dates_moves_by_whole_months(day, count):
    """The month is the requested one, the day the same or the month's last."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moved = date.fromisoformat(fill_dates(f"{{run_date{count:+}m}}", at))

    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == count
    assert moved.day == day.day or (moved.day < day.day and (moved + timedelta(days=1)).day == 1)


@given(st.text(alphabet="{}run_datemohs+-179dmy:%Y /", max_size=25) | st.text(max_size=10))
def test_fill_dates_raises_nothing_but_value_error(text):
    """Whatever a cell holds."""
    try:
        fill_dates(text, AT)
    except ValueError as error:
        message = str(error)
    else:
        return
    assert message.isprintable()


def test_in_zone_returns_the_date_of_the_zone():
    """Late in the evening the zone decides which day it is."""
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)

    assert in_zone(late, "Asia/Tokyo").date() == date(2026, 4, 1)
    assert in_zone(late, "UTC").date() == date(2026, 3, 31)
    assert in_zone(late, "local") == late


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../etc/passwd", "/etc/localtime", "Europe", "a\0b", "utc0"])
def test_find_zone_raises_when_zone_is_unknown(name):
    """Only names of the time zone database."""
    with pytest.raises(ValueError, match="IANA time zone database"):
        find_zone(name)
