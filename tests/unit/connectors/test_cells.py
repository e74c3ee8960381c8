"""Cells of Analytics answers as the classic export writes them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfr.connectors.analytics.cells import cell_text

#: A slow machine is no failure.
SLOW = settings(deadline=None)


@pytest.mark.parametrize(
    ("label", "value", "data_type", "text"),
    [
        ("-", None, "string", ""),
        (None, None, "string", ""),
        ("-", "-", "string", "-"),
        ("", "", "string", ""),
        ("Acme - 200 Widgets", "006R00000023IDYIA2", "string", "Acme - 200 Widgets"),
        ("$16,000.01", Decimal("16000.01"), "currency", "16000.01"),
        ("$16,000.01", {"amount": Decimal("16000.01"), "currency": None}, "currency", "16000.01"),
        ("£350,000,000", {"amount": 350000000, "currency": None}, "currency", "350000000"),
        ("-", {"amount": None, "currency": None}, "currency", ""),
        ("16.000,50 €", Decimal("16000.5"), "currency", "16000.50"),
        ("16.000", 16000, "int", "16000"),
        ("1 234,5", Decimal("1234.5"), "double", "1234.5"),
        ("($1,234.50)", Decimal("-1234.5"), "currency", "-1234.50"),
        ("1,000.00", Decimal("999.999"), "double", "1000.00"),
        ("0.00", Decimal("-0.001"), "double", "0.00"),
        ("USD 1,000.00 (EUR 900.00)", {"amount": Decimal("1000.00"), "currency": "USD"}, "currency", "1000"),
        ("60%", 60, "percent", "60%"),
        ("60.50%", Decimal("60.5"), "percent", "60.50%"),
        ("true", True, "boolean", "1"),
        ("false", False, "boolean", "0"),
        ("7/31/2015", "2015-07-31", "date", "7/31/2015"),
        ("12", "12", "string", "12"),
        ("012", 12, "string", "012"),
        ("Need estimate", "Need estimate", "currency", "Need estimate"),
        ("1 High St<br>Springfield", "1 High St<br>Springfield", "string", "1 High St\nSpringfield"),
        ("1 High St<br>Springfield", None, "string", "1 High St\nSpringfield"),
        ("1 High St<BR />Springfield", "1 High St Springfield", "address", "1 High St\nSpringfield"),
        ("a<br/>b<br>", "a<br/>b<br>", "textarea", "a\nb\n"),
        ("a<br>b", "a\r\nb", "textarea", "a\r\nb"),
        ("typed &lt;br&gt;<br>b", "typed &lt;br&gt;<br>b", "textarea", "typed <br>\nb"),
        ("typed &lt;br&gt;", "typed <br>", "string", "typed <br>"),
        ("Foo<br>Bar Ltd", "0016A0000035mJEQAY", "string", "Foo<br>Bar Ltd"),
        ("a<br>b", "a<br>b", "picklist", "a<br>b"),
        ("x < y & z", "x < y & z", "textarea", "x < y & z"),
    ],
)
def test_cell_text_is_what_the_export_shows(label, value, data_type, text):
    """Numbers plain, check boxes 1 and 0, empty cells nothing, lines as lines, all else as the page shows it."""
    assert cell_text(label, value, data_type) == text


@SLOW
@given(st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, places=4), st.integers(0, 4))
def test_number_keeps_the_places_of_its_label_in_any_locale(number, places):
    """Which separator is the decimal one never has to be known."""
    shown = f"{abs(number):,.{places}f}"
    plain = cell_text(shown, number, "double")

    for separators in (".,", " ,", "’.", "  "):
        foreign = shown.translate(str.maketrans(",.", separators))
        assert cell_text(foreign, number, "double") == plain
