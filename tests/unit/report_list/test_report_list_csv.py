"""A list of the org's reports is a report list that works as it stands."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.config.settings import Config, Output, Reports, Salesforce
from sfr.report_id import parse_report_id
from sfr.report_list.reading import load_reports
from sfr.report_list.writing import ListedReport, list_to_csv, safe_name

ID = "00OD0000001ZbP7MAK"
OTHER_ID = "00OE0000002wlroMAA"
NOW = datetime(2026, 3, 31, tzinfo=UTC)
IDS = st.text(string.ascii_letters + string.digits, min_size=12, max_size=12).map(
    lambda body: parse_report_id("00O" + body)
)


def load(directory, text):
    """The reports of the list's text."""
    file = directory / "list.csv"
    file.write_text(text, newline="")
    config = Config(
        Salesforce("emulator", None), reports=Reports(str(file)), output=Output(directory=str(directory / "output"))
    )
    return load_reports(config, now=NOW)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sales Q1", "Sales Q1"),
        ("In/Out\\Both", "In_Out_Both"),
        ("{run_date}", "_run_date_"),
        ("a\r\nb\x00c", "a_b_c"),
        (" blank ", "blank"),
        ("..", "report"),
        ("", "report"),
        ("ä" * 200, "ä" * 100),
        ("x" * 300, "x" * 200),
        ("日本語", "日本語"),
    ],
)
def test_safe_name_gives_a_file_name(name, expected):
    """As near to the report's name as a file name can be."""
    assert safe_name(name) == expected


def test_list_to_csv_appends_the_id_when_names_meet():
    """To all of them, so that the order does not matter; different directories do not meet."""
    text = list_to_csv(
        [
            ListedReport(ID, "Sales"),
            ListedReport(OTHER_ID[:15], "SALES"),
            ListedReport(ID, "Sales", "other"),
            ListedReport(ID, 'With, "quotes"'),
        ]
    )

    assert text.splitlines() == [
        "report_type,report_file_name,report_id,report_path",
        f"SFDC,Sales_{ID},{ID},",
        f"SFDC,SALES_{OTHER_ID},{OTHER_ID},",
        f"SFDC,Sales,{ID},other",
        f'SFDC,"With, ""quotes""",{ID},',
    ]


def test_list_to_csv_makes_a_comment_of_what_cannot_be_downloaded(tmp_path):
    """A joined report is listed, and passed over."""
    text = list_to_csv([ListedReport(ID, "Joined\nOverview", obstacle="joined report"), ListedReport(OTHER_ID, "b")])

    assert text.splitlines()[1] == f"# joined report: SFDC,Joined_Overview,{ID},"
    assert [report.name for report in load(tmp_path, text)] == ["b"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(IDS, st.text(max_size=30) | st.sampled_from(["a", "A", "summary_report"])),
        max_size=6,
        unique_by=lambda r: r[0],
    )
)
def test_list_to_csv_is_read_back_as_the_same_reports(tmp_path, listed):
    """Whatever the reports are called, the list is right as it stands."""
    text = list_to_csv([ListedReport(report_id, name, "reports") for report_id, name in listed])

    if listed:
        reports = load(tmp_path, text)
        assert [report.report_id for report in reports] == [report_id for report_id, _ in listed]
