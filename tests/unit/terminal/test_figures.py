from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sfr.terminal.figures import count, counted, duration, local_time, seconds, size


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(None, "–"), (0, "0 B"), (812, "812 B"), (1023, "1,023 B"), (1024, "1.0 KB"), (4_404_019, "4.2 MB"),
     (123_731_968, "118 MB"), (1024**3, "1.0 GB"), (1024**5 * 3, "3,072 TB")],
)  # fmt: skip
def test_size_has_a_fitting_unit(size_bytes: int | None, shown: str) -> None:
    """A KB is 1,024 bytes; one digit after the point below a hundred."""
    assert size(size_bytes) == shown


@pytest.mark.parametrize(
    ("duration_s", "shown"),
    [(None, "–"), (-1, "0.0 s"), (0.44, "0.4 s"), (12.4, "12 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"),
     (3599.7, "1 h 00 min"), (7620, "2 h 07 min")],
)  # fmt: skip
def test_duration_has_readable_units(duration_s: float | None, shown: str) -> None:
    """Seconds, minutes or hours, rounded before the unit is chosen."""
    assert duration(duration_s) == shown


def test_numbers_are_grouped() -> None:
    """Thousands are set apart; unknown is a dash."""
    assert (count(1234567), count(None)) == ("1,234,567", "–")
    assert (counted(1, "report"), counted(2000, "row")) == ("1 report", "2,000 rows")
    assert (seconds(1234.56), seconds(None)) == ("1,234.6", "–")
    assert local_time(None) == "–"
    assert len(local_time(datetime(2026, 1, 1, tzinfo=UTC))) == 19
