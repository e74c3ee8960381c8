"""Rows as the classic export writes them."""

import csv
import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.salesforce.routes.csv_lines import csv_lines

#: A slow machine is no failure, nor is the table of characters, which is made at first use.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


@SLOW
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5))
def test_csv_lines_are_read_back_as_the_same_rows(rows):
    """Quotes, line breaks and commas survive."""
    text = csv_lines(rows).decode()

    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows


def test_csv_lines_quote_every_cell_and_replace_what_the_encoding_lacks():
    """Salesforce writes a question mark too."""
    assert csv_lines([["a", "", 'b"c'], ["é", "日", "\r\n"]], "iso-8859-1") == b'"a","","b""c"\n"\xe9","?","\r\n"\n'
