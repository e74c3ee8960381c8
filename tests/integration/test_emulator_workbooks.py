"""The emulator's workbooks and filtered exports over real sockets."""

from __future__ import annotations

import csv
import io
import re
import threading
import zipfile

import openpyxl
import pytest
import requests

from sfr.emulator import Emulator
from sfr.emulator.scenarios.actions import ScenarioError

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def request(org: Emulator, name: str, changes: dict[str, object] | None = None, **more: object) -> requests.Response:
    """A run of a report as a workbook."""
    return requests.request(
        "GET" if changes is None else "POST",
        f"{org.url}/services/data/v64.0/analytics/reports/{org.report(name).id}",
        json=None if changes is None else {"reportMetadata": changes},
        headers={"Authorization": f"Bearer {org.sid}", "Accept": WORKBOOK},
        timeout=30,
        **more,
    )


def cells(answer: requests.Response) -> list[list[str]]:
    """The rows of the sheet, as texts."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == WORKBOOK
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    rows = re.findall(r"<row [^>]*>(.*?)</row>", sheet, re.DOTALL)
    return [re.findall(r"<(?:v|t)(?: [^>]*)?>(.*?)</(?:v|t)>", row, re.DOTALL) for row in rows]


def export(org: Emulator, name: str, query: str = "") -> list[dict[str, str]]:
    """The records of a classic export."""
    answer = requests.get(
        f"{org.url}/{org.report(name).id}?export=1&enc=UTF-8&xf=csv{query}",
        headers={"Cookie": f"sid={org.sid}"},
        timeout=30,
    )
    data = answer.content.decode().partition("\n\n\n")[0]
    return list(csv.DictReader(io.StringIO(data, newline="")))


def test_workbook_has_a_title_block_and_the_same_rows_as_the_export() -> None:
    """Numbers as numbers; a total at the end."""
    with Emulator() as org:
        rows = cells(request(org, "Accounts by City"))
        exported = export(org, "Accounts by City")

    assert rows[0] == ["Accounts by City"]
    assert rows[1][0].startswith("As of ")
    header = rows.index(list(exported[0]))
    names = [row[0] for row in rows[header + 1 : -1]]
    assert len(names) == 1_850
    assert rows[-1][:3] == ["Total", "Record Count", "1850"]


@pytest.mark.parametrize(
    "name", ["Joined Overview", "Awkward Cells", "Cases by Status and Priority", "Lapsed Contracts"]
)
def test_workbook_opens_in_another_library(name: str) -> None:
    """With all its styles; cells hold what the report does."""
    with Emulator() as org:
        book = openpyxl.load_workbook(io.BytesIO(request(org, name).content))
        values = [value for row in book.active.iter_rows(values_only=True) for value in row if value is not None]
        data = b"".join(org.expected_csv(name)).decode()

    assert book.sheetnames == [name[:31]]
    assert values[0] == name
    if name == "Awkward Cells":
        shown = {str(value).replace("\r\n", "\n") for value in values}
        cells_of_export = {cell for record in csv.reader(io.StringIO(data, newline="")) for cell in record if cell}
        assert {cell.replace("\r\n", "\n") for cell in cells_of_export} <= shown


def test_workbook_of_changed_metadata_has_its_rows() -> None:
    """POST, as for a run; wrong metadata is refused as JSON."""
    with Emulator() as org:
        rows = cells(request(org, "Open Pipeline", {"scope": "mine"}))
        refused = request(org, "Open Pipeline", {"scope": "nobody"})
        mine = export(org, "Open Pipeline", "&scope=mine")

    assert rows[-1][:3] == ["Total", "Record Count", str(len(mine))]
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "BAD_REQUEST")


def test_workbook_is_silently_cut_off_at_its_limit() -> None:
    """As Salesforce's are; matrix and joined reports have limits of their own."""
    limits = {"workbook_rows": 100, "joined_workbook_rows": 10, "matrix_workbook_rows": 50}
    with Emulator({"org": limits}) as org:
        assert cells(request(org, "Open Pipeline"))[-1][2] == "100"
        assert cells(request(org, "Revenue by Region and Quarter"))[-1][-1].endswith("50")
        joined = cells(request(org, "Joined Overview"))

    assert len([row for row in joined if row and row[0].startswith("001")]) == 10


@pytest.mark.parametrize(("second", "status"), [("served", 200), ("refused", 403), ("slow", 200)])
def test_second_workbook_at_a_time_is_served_refused_or_slow(second: str, status: int) -> None:
    """While the first one is being sent."""
    with Emulator({"org": {"second_workbook": second}}) as org:
        first = request(org, "All Cases", stream=True)
        other = request(org, "Joined Overview")
        first.close()

    assert other.status_code == status
    assert (other.elapsed.total_seconds() > 1) is (second == "slow")


def test_place_of_a_workbook_is_free_after_it() -> None:
    """One after the other is never the second."""
    with Emulator({"org": {"second_workbook": "refused"}}) as org:
        assert [request(org, "Joined Overview").status_code for _ in range(3)] == [200] * 3
        threads = [threading.Thread(target=request, args=(org, "Deals by Stage")) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert request(org, "Joined Overview").status_code == 200


@pytest.mark.parametrize(
    ("query", "column", "values"),
    [
        ("&pv0=Closed Won", "Stage", {"Closed Won"}),
        ("&pv0=Closed Won,Prospecting", "Stage", {"Closed Won", "Prospecting"}),
        ("&pv0=Closed&pn0=sw", "Stage", {"Closed Won", "Closed Lost"}),
        ("&pv0=EMEA&pc0=REGION", "", set()),
        ("&pv7=x", "", set()),
    ],
)
def test_export_applies_its_filters(query: str, column: str, values: set[str]) -> None:
    """Values, operators and columns by position from 0; what the report does not have is ignored."""
    with Emulator() as org:
        rows = export(org, "Open Pipeline", query)

    assert rows
    if column:
        assert {row[column] for row in rows} == values
    else:
        assert (len(rows) == 5_600) is ("pv7" in query)


def test_export_reads_dates_in_its_users_locale() -> None:
    """As an English (United States) user writes them; others get a page."""
    with Emulator() as org:
        rows = export(org, "Open Pipeline", "&colDt_c=CLOSE_DATE&colDt_q=custom&colDt_s=3/1/2025&colDt_e=3/31/2025")
        page = requests.get(
            f"{org.url}/{org.report('Open Pipeline').id}?export=1&colDt_s=31.3.2025",
            headers={"Cookie": f"sid={org.sid}"},
            timeout=30,
        )

    assert {row["Close Date"].split("/")[0] for row in rows} == {"3"}
    assert "html" in page.headers["Content-Type"]


@pytest.mark.parametrize(
    ("ignored", "query"), [("filters", "&pv0=Closed Won"), ("scope", "&scope=mine"), ("date", "&colDt_s=3/1/2025")]
)
def test_org_can_ignore_filters(ignored: str, query: str) -> None:
    """A scenario for clients that trust them."""
    with Emulator({"org": {"ignored": [ignored]}}) as org:
        assert len(export(org, "Open Pipeline", query)) == 5_600


def test_scenario_cannot_ignore_anything_else() -> None:
    """A typing error would make a test that proves nothing."""
    with pytest.raises(ScenarioError, match="ignored"):
        Emulator({"org": {"ignored": ["dates"]}})
