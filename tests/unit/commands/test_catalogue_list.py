"""The org's reports as a report list."""

import csv

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.commands.catalogue import CatalogueEntry
from sfr.commands.catalogue_list import file_names, report_list
from sfr.report_id import checksum
from sfr.report_list.date_template import fill_dates
from sfr.report_list.names import check_name, folded, safe_name
from sfr.report_list.rows import rows_of_text

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


def test_joined_reports_are_comments():
    """They cannot be fetched, but are not left unsaid."""
    text = report_list([entry("One"), entry("All\nin one", 2, format="MultiBlock"), entry("Two", 3, folder="Zoo\n")])

    assert f"# joined report, not exportable: All in one ({entry('x', 2).report_id})\n" in text
    assert "# Zoo\n" in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [row["report_file_name"] for row in csv.DictReader(lines)] == ["One", "Two"]
