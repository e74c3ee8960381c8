"""Route `excel` against the embedded org: Salesforce's own workbook, as it is."""

import threading
import zipfile
from dataclasses import replace

import pytest

import sfr
from sfr.emulator import Emulator
from sfr.errors import ErrorKind

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def run(tmp_path):
    """Runs rows by the program's Python interface; returns the reports by name."""

    def start(org, *rows, fetch=""):
        path = tmp_path / "sfr.yaml"
        path.write_text(
            f"salesforce: {{domain: '{org.url}', auth: {{sid: {{value: '{org.sid}'}}}}}}\n"
            f"output: {{directory: '{tmp_path}/out'}}\n"
            "logging: {file: {path: null}}\n"
            f"fetch: {{threads: 4, attempts: 3, backoff: {{first_s: 0.01, max_s: 0.05}}{fetch}}}\n"
            "workers: {count: 1}\nsummary: []\n"
        )
        path.chmod(0o600)
        listed = [
            {
                "report_type": "SFDC",
                "route": "excel",
                **row,
                "report_id": org.report(row["report_file_name"].partition("~")[0]).id,
            }
            for row in rows
        ]
        return {one.name: one for one in sfr.run(str(path), reports=listed).reports}

    return start


def row(name, **columns):
    """A row of the list; what follows `~` in its name distinguishes files of one report."""
    return {"report_file_name": name, **columns}


def sheet_of(stats):
    """The text of the workbook's sheet, and the archive's parts."""
    with zipfile.ZipFile(stats.path) as archive:
        assert archive.testzip() is None
        return archive.read("xl/worksheets/sheet1.xml").decode(), archive.namelist()


def workbook_requests(org):
    """Method of each request for a workbook."""
    return [one.method for one in org.requests.records("analytics") if one.request.headers.get("accept") == WORKBOOK]


def test_workbooks_come_as_salesforce_makes_them(run):
    """Tabular, summary, matrix and joined, with Salesforce's count of the rows, but for the joined one."""
    names = ("Open Pipeline", "Deals by Stage", "Revenue by Region and Quarter", "Joined Overview")
    with Emulator() as org:
        found = run(org, *map(row, names))
        counts = [org.report(name).rows for name in names[:3]]

    assert [found[name].error for name in names] == [None] * 4
    assert [found[name].rows for name in names] == [*counts, None]
    assert {found[name].route for name in names} == {"excel"}
    assert all(found[name].path.endswith(f"/{name}.xlsx") for name in names)
    assert "Deal 000000000" in sheet_of(found["Open Pipeline"])[0]
    assert "Subtotal Closed Won" in sheet_of(found["Deals by Stage"])[0]
    assert "Q1-2026" in sheet_of(found["Revenue by Region and Quarter"])[0]
    joined, parts = sheet_of(found["Joined Overview"])
    assert "Accounts block 1" in joined
    assert "Accounts block 2" in joined
    assert "xl/workbook.xml" in parts
    assert "the archive is whole" in found["Deals by Stage"].message
    assert "nothing proves that it has all rows" in found["Joined Overview"].message


def test_workbook_costs_a_description_the_workbook_and_a_count(run):
    """The count comes after the workbook; a joined report is not counted."""
    with Emulator() as org:
        run(org, row("Open Pipeline"))
        first = [(one.method, one.request.target.rpartition("/")[2]) for one in org.requests.records("analytics")]
        run(org, row("Joined Overview"))
        joined = org.requests.count("analytics") - len(first)
        report_id = org.report("Open Pipeline").id

    assert first == [("GET", "describe"), ("GET", report_id), ("GET", f"{report_id}?includeDetails=false")]
    assert joined == 2


def test_filters_are_sent_with_the_workbook_and_proved_by_the_count(run):
    """By POST, which does not change the saved report."""
    with Emulator() as org:
        found = run(org, row("Open Pipeline", filters="1=Closed Won"))["Open Pipeline"]
        methods = workbook_requests(org)
        everything = run(org, row("Open Pipeline"))["Open Pipeline"]

    assert found.error is None
    assert methods == ["POST"]
    assert 0 < found.rows < everything.rows


def test_workbook_of_an_org_that_ignores_filters_is_not_saved(run):
    """The count's metadata shows it."""
    with Emulator({"org": {"ignored": ["filters"]}}) as org:
        found = run(org, row("Open Pipeline", filters="1=Closed Won"))["Open Pipeline"]

    assert found.error is ErrorKind.INVALID
    assert "did not apply the requested filter 1" in found.message


def test_joined_report_that_the_api_does_not_describe_is_known_by_the_catalogue(run):
    """One request more; any other report that cannot be described fails."""
    rule = {"path": "*/describe", "action": "status", "code": 501, "error_code": "NOT_IMPLEMENTED"}
    with Emulator({"rules": [rule]}) as org:
        found = run(org, row("Joined Overview"), row("Deals by Stage"))

    assert found["Joined Overview"].error is None
    assert found["Deals by Stage"].error is ErrorKind.INVALID


def test_filters_of_a_joined_report_are_refused(run):
    """Nothing in the answer would show them; no workbook is requested."""
    with Emulator() as org:
        found = run(org, row("Joined Overview", filters="scope=mine"))["Joined Overview"]

        assert found.error is ErrorKind.INVALID
        assert "joined report" in found.message
        assert workbook_requests(org) == []


@pytest.mark.parametrize(("rows", "is_saved"), [(98_999, True), (99_000, False), (100_000, False), (120_000, False)])
def test_workbook_near_its_limit_is_invalid_and_not_tried_again(run, monkeypatch, rows, is_saved):
    """From 1 % below on it may be cut; the message says what to use."""
    with Emulator({"org": {"workbook_rows": 50}}) as org:  # small files: the count alone decides
        org.add_report("Large", rows=rows)
        found = run(org, row("Large"))["Large"]
        requests = workbook_requests(org)

    assert (found.error is None) is is_saved
    assert len(requests) == 1
    if not is_saved:
        assert found.error is ErrorKind.INVALID
        assert found.attempt_count == 1
        assert f"{rows:,} rows" in found.message
        assert "`format: csv`" in found.message


def test_matrix_has_a_lower_limit(run):
    """2,000 rows."""
    with Emulator() as org:
        matrix = org.org.catalogue.named("Revenue by Region and Quarter")
        org.org.catalogue.add(replace(matrix, rows=1_980))
        found = run(org, row(matrix.name))[matrix.name]

    assert found.error is ErrorKind.INVALID
    assert "matrix report off at 2,000" in found.message


def test_report_that_salesforce_does_not_count_by_itself_is_counted_all_the_same(run):
    """The count is added to the run."""
    with Emulator({"reports": [{"name": "Uncounted", "rows": 30, "has_record_count": False}]}) as org:
        assert run(org, row("Uncounted"))["Uncounted"].rows == 30


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"action": "html", "page": "lightning"}, ErrorKind.NOT_CSV),
        ({"action": "empty"}, ErrorKind.EMPTY),
        ({"action": "cut_content", "at": "after_bytes", "attempts": 1}, ErrorKind.INVALID),
        ({"action": "short_length"}, ErrorKind.TRUNCATED),
        ({"action": "status", "code": 403, "error_code": "REQUEST_LIMIT_EXCEEDED"}, ErrorKind.RATE_LIMITED),
        ({"action": "status", "code": 500}, ErrorKind.SERVER),
    ],
    ids=lambda each: each["action"] if isinstance(each, dict) else each.value,
)
def test_anything_but_a_whole_workbook_fails(run, tmp_path, rule, error):
    """And leaves the file of the earlier run alone."""
    with Emulator() as org:
        before = run(org, row("Deals by Stage"))["Deals by Stage"]
        org.set_rules({"path": f"*/analytics/reports/{org.report('Deals by Stage').id}", "method": "GET", **rule})
        found = run(org, row("Deals by Stage"))["Deals by Stage"]

    assert found.error is error, found.message
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_file()] == ["Deals by Stage.xlsx"]
    assert sheet_of(before)


def test_workbook_that_was_cut_once_comes_with_the_next_attempt(run):
    """A cut connection passes."""
    with Emulator() as org:
        path = f"*/analytics/reports/{org.report('Deals by Stage').id}"
        org.set_rules({"path": path, "method": "GET", "attempts": 1, "action": "reset", "after_bytes": 5_000})
        found = run(org, row("Deals by Stage"))["Deals by Stage"]

    assert (found.error, found.attempt_count) == (None, 2)


@pytest.mark.parametrize("second", ["refused", "slow"])
def test_workbooks_are_requested_one_at_a_time_while_other_reports_continue(run, second):
    """An org that refuses a second one never sees it; exports do not wait for workbooks."""
    rule = {"path": "*/analytics/reports/*", "method": "GET", "delay_s": 0.1}
    books = [row(f"Deals by Stage~{number}") for number in range(4)]
    with Emulator({"org": {"second_workbook": second}, "rules": [rule]}) as org:
        found = run(org, *books, row("Awkward Cells", route="classic"), fetch=", retry_budget: 0")

    assert [one.error for one in found.values()] == [None] * 5
    workbooks_done = [found[one["report_file_name"]].phases.received_s for one in books]
    assert found["Awkward Cells"].phases.received_s < max(workbooks_done)


def test_workbook_in_use_elsewhere_is_tried_again(run):
    """Another program holds the org's only place for a while."""
    release = threading.Event()
    with Emulator({"org": {"second_workbook": "refused"}}) as org:
        place = org.org.usage.acquire_workbook()
        taken = threading.Thread(target=lambda: (release.wait(30), place.release()))
        taken.start()
        first = run(org, row("Deals by Stage"))["Deals by Stage"]
        release.set()
        taken.join()
        second = run(org, row("Deals by Stage"))["Deals by Stage"]

    assert (first.error, first.attempt_count) == (ErrorKind.RATE_LIMITED, 3)
    assert second.error is None


def test_more_than_a_hundred_columns_have_no_place_in_a_workbook(run):
    """Salesforce would leave some out without a word."""
    with Emulator() as org:
        wide = org.org.catalogue.named("Deals by Stage")
        table = wide.table
        columns = tuple(table.columns[4].renamed(f"C{number}", f"Column {number}") for number in range(101))
        org.org.catalogue.add(
            replace(
                wide,
                format="Tabular",
                groupings_down=(),
                summed=(),
                columns=tuple(column.name for column in columns),
                table=replace(table, columns=(*table.columns, *columns)),
            )
        )
        found = run(org, row("Deals by Stage"))["Deals by Stage"]

    assert found.error is ErrorKind.INVALID
    assert "101 columns" in found.message
