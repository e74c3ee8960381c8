"""The org's reports as a report list."""

import csv

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.commands.catalogue_list import file_names, report_list
from sfr.report_list.date_template import fill_dates
from sfr.report_list.names import check_name, folded, safe_name
from sfr.report_list.rows import rows_of_text
from sfr.salesforce.catalogue import CatalogueEntry
from sfr.salesforce.report_ids import checksum

#: A slow machine is no failure, nor is the table of characters, which is made at first use.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def entry(name, number=1, folder="Sales", format="Tabular"):
    """An entry of the catalogue."""
    short = f"00O5g000{number:07d}"
    return CatalogueEntry(short + checksum(short), name, folder, format, "")


NAMES = st.lists(st.text(max_size=300), max_size=8)


@SLOW
@given(NAMES)
def test_list_is_read_back_whatever_the_names(names):
    """Every report comes back with its id and a name that may become a file."""
    entries = [entry(name, number) for number, name in enumerate(names)]
    text = report_list(entries, ["summary_report"])

    problems = []
    rows = rows_of_text(text, "list", problems)

    if entries:
        assert not problems
    assert [row["report_id"] for row in rows] == [one.report_id for one in entries]
    for row in rows:
        name = row["report_file_name"]
        check_name(name, "csv.zst")
        assert fill_dates(name, None) == name
    assert len({folded(row["report_file_name"]) for row in rows}) == len(rows)


def test_names_get_their_id_when_they_are_shared_in_any_case_or_taken():
    """`report` and `REPORT` are one file to some file systems."""
    entries = [entry("Pipeline", 1), entry("PIPELINE", 2), entry("summary_report", 3), entry("Other", 4)]

    names = list(file_names(entries, ["summary_report"]))

    assert names == [
        f"Pipeline_{entries[0].report_id}",
        f"PIPELINE_{entries[1].report_id}",
        f"summary_report_{entries[2].report_id}",
        "Other",
    ]


def test_safe_name_replaces_what_a_file_name_or_a_list_may_not_hold():
    """Slashes, braces, control characters; dots alone."""
    assert safe_name("a/b\\c{d}\n e ") == "a_b_c_d__ e"
    assert safe_name("..") == ""
    assert len(safe_name("ä" * 300).encode()) <= 200


def records_of(text):
    """The rows of a list, without its comments."""
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def test_joined_reports_are_rows_of_their_own_route():
    """Only Salesforce's workbook holds them; the other rows leave format and route to the configuration."""
    text = report_list([entry("One"), entry("All\nin one", 2, format="MultiBlock"), entry("Two", 3, folder="Zoo\n")])

    assert "# Zoo\n" in text
    found = [(row["report_file_name"], row["format"], row["route"]) for row in records_of(text)]
    assert found == [("One", "", ""), ("All_in one", "xlsx", "excel"), ("Two", "", "")]


def test_list_without_joined_reports_has_the_original_columns():
    """As before."""
    assert report_list([entry("One")]).splitlines()[0] == (
        "report_type,report_file_name,report_id,report_path,optional_export_params"
    )


def test_filters_are_comments_before_their_reports():
    """On one line, harmless in a spreadsheet, whatever the report's author wrote."""
    entries = [entry("One"), entry("=Two\n", 2), entry("Three", 3)]
    filters = {entries[0].report_id: "1: Stage equals 'Won'", entries[1].report_id: "1: X equals 'a\nSFDC,x,=1+1'"}
    lines = report_list(entries, filters=filters).splitlines()

    assert lines[2] == "# filters of One: 1: Stage equals 'Won'"
    assert lines[3].startswith("SFDC,One,")
    assert [line for line in lines if line.startswith("SFDC,")] == [lines[3], lines[5], lines[7]]
    assert "'=1+1" in lines[4]
    assert lines[6] == "# filters of Three: unknown"
