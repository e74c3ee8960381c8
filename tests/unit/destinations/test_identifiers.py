"""Names of tables and columns."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.destinations.identifiers import MAX_NAME_BYTES, column_names, cut, snake_case, table_name


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Close Date", "close_date"),
        ("Opportunity: Amount (converted)", "opportunity_amount_converted"),
        ("CloseDate", "close_date"),
        ("HTTPServer2Go", "http_server2_go"),
        ("My_Field__c", "my_field_c"),
        ("ARR", "arr"),
        ("Größe (m²)", "größe_m²"),
        ("商談 名", "商談_名"),
        ("हिन्दी नाम", "हिन्दी_नाम"),
        ("  —  ", ""),
        ("Cafe\u0301", "café"),
    ],
)
def test_snake_case_keeps_letters_of_any_script(label: str, expected: str) -> None:
    """Accents and vowel signs belong to their letters."""
    assert snake_case(label) == expected


@pytest.mark.parametrize(
    ("table", "template", "expected"),
    [
        ("", "Open Pipeline {run_date}", "open_pipeline"),
        ("", "{run_date:%Y%m%d} Open {month_start-1m}Pipeline", "open_pipeline"),
        ("", "!!! {run_date}", "report_00OD0000001ZbP7MAK"),
        ("Sales All", "Open Pipeline", "Sales All"),
    ],
)
def test_table_name_is_the_configured_one_or_made_of_the_template(table: str, template: str, expected: str) -> None:
    """Dates never make a table of their own."""
    assert table_name(table, template, "00OD0000001ZbP7MAK") == expected


def test_cut_keeps_55_bytes_and_7_digits_of_the_hash() -> None:
    """Two long names with the same start stay apart."""
    long = "a" * 70
    assert cut("a" * 63) == "a" * 63
    assert cut(long) == "a" * 55 + "_" + hashlib.sha256(long.encode()).hexdigest()[:7]
    assert len(cut(long)) == 63
    assert cut(long) != cut(long + "b")


@given(st.text(max_size=120))
def test_cut_fits_and_is_text_whatever_the_name(name: str) -> None:
    """No half character, never too long."""
    assert len(cut(name).encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES


@given(st.lists(st.one_of(st.text(max_size=80), st.sampled_from(["Name", "name", "NAME", "Name 2", "", "name_2"]))))
def test_column_names_are_unique_without_regard_to_case(labels: list[str]) -> None:
    """One for each label, in both styles, none empty."""
    for style in ("snake", "labels"):
        names = column_names(labels, style)
        assert len(names) == len(labels)
        assert all(names)
        assert len({name.casefold() for name in names}) == len(names)


def test_column_names_leave_a_name_to_the_column_that_has_it() -> None:
    """A repeated label does not take the name of a later one."""
    assert column_names(["Name", "Name", "Name 2", "", ""], "snake") == (
        "name", "name_3", "name_2", "column_4", "column_5",
    )  # fmt: skip
    assert column_names(["A b", "a B"], "labels") == ("A b", "a B_2")
