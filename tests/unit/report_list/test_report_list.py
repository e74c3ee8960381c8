"""From a report list to reports: what is taken, what is refused, and that everything wrong is said at once."""

import csv
import io
import os
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.config.fetch_settings import Fetch
from sfr.config.log_settings import FileLog, Logging
from sfr.config.org_settings import ReportItem, Reports, Salesforce
from sfr.config.output_settings import History, Output, SummaryTarget
from sfr.config.report_columns import COLUMNS, ORIGINAL_COLUMNS
from sfr.config.settings import Config
from sfr.errors import ExitCode, ReportListError
from sfr.model import Guards, Report
from sfr.report_list.reading import load_reports
from sfr.salesforce.auth.sf_cli import SfCliSettings

NOW = datetime(2026, 3, 31, 14, 5, tzinfo=UTC)
ID = "00OD0000001ZbP7MAK"
OTHER_ID = "00OE0000002wlroMAA"
HEADER = "report_type,report_file_name,report_id,report_path,optional_export_params\n"


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Loads a list's text (or bytes) as `list.csv` in a working directory of its own."""
    monkeypatch.chdir(tmp_path)

    def load_list(content, config=None, **options):
        (tmp_path / "list.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        config = config or config_of(tmp_path)
        return load_reports(config, now=NOW, **options)

    return load_list


@pytest.fixture
def problems_of(load):
    """The problems of a list, which must have some."""

    def load_wrong(content, config=None, **options):
        with pytest.raises(ReportListError) as caught:
            load(content, config, **options)
        assert caught.value.exit_code is ExitCode.USAGE
        return list(caught.value.problems)

    return load_wrong


def config_of(directory, **sections):
    """A configuration whose list is `list.csv`."""
    config = Config(
        salesforce=Salesforce(domain="emulator", auth=SfCliSettings(org="me")),
        reports=Reports(list=str(directory / "list.csv")),
        output=Output(directory=str(directory / "output")),
        timezone="UTC",
    )
    return config.model_copy(update=sections)


def test_load_reports_gives_reports_in_order_with_defaults_filled_in(load, tmp_path):
    """A short list, as most are."""
    reports = load(f"{HEADER}SFDC,One,{ID[:15]}\nSFDC,Two {{run_date-1d}},{OTHER_ID},sub/{{run_date:%Y}}\n")

    assert reports == (
        Report(
            0, "SFDC", "One", ID, str(tmp_path / "output"), "?export=1&enc=UTF-8&xf=csv&isdtp=p1", name_template="One"
        ),
        Report(
            1, "SFDC", "Two 2026-03-30", OTHER_ID, str(tmp_path / "sub/2026"), "?export=1&enc=UTF-8&xf=csv&isdtp=p1",
            name_template="Two {run_date-1d}",
        ),
    )  # fmt: skip
    assert reports[1].path == str(tmp_path / "sub/2026/Two 2026-03-30.csv")


def test_load_reports_takes_every_optional_column_in_any_order(load):
    """What a row says comes before what the configuration says."""
    header = (
        "soql,may_be_empty,columns,max_drop_pct,min_rows,footer,route,format,report_id,report_file_name,report_type"
    )
    reports = load(
        f"{header}\n,FALSE,same,12.5,7,optional,analytics,CSV.GZ,{ID},a,sfdc\nselect Id from X,,,,,,,,,b,SOQL\n"
    )

    first, second = reports
    assert (first.report_type, first.format, first.route, first.footer) == ("SFDC", "csv.gz", "analytics", "optional")
    assert first.guards == Guards(7, 12.5, "same", "false")
    assert (second.report_type, second.soql, second.report_id, second.export_params) == (
        "SOQL",
        "select Id from X",
        "",
        "",
    )


def test_load_reports_takes_defaults_from_the_configuration_when_cells_are_empty(load, tmp_path):
    """Format, route, footer and guards."""
    config = config_of(
        tmp_path,
        output=Output(directory=str(tmp_path / "out"), format="jsonl", footer="optional"),
        salesforce=Salesforce(domain="emulator", auth=SfCliSettings(org="me"), route="classic"),
        guards=Guards(1, 50.0, "same", "true"),
    )

    report = load(f"{HEADER}SFDC,a,{ID},,?export=1&enc=Shift_JIS\n", config)[0]

    assert (report.format, report.route, report.footer, report.encoding) == (
        "jsonl",
        "classic",
        "optional",
        "shift_jis",
    )
    assert report.guards == Guards(1, 50.0, "same", "true")


def test_load_reports_skips_comments_and_blank_lines_between_records_only(load, tmp_path):
    """Inside a quoted cell they are the cell's."""
    text = (
        f'# first\n\n{HEADER}\n  # indented\n,,,\nSFDC,a,{ID},"x\n# no comment\n\ny"\n#SFDC,b\n   \nSFDC,c,{ID}\n# last'
    )
    with pytest.raises(ReportListError, match=r"list.csv:7: report_path: 'x\\n# no comment\\n\\ny' contains a control"):
        load(text)

    soql = 'report_type,report_file_name,report_id,soql\n#c\nSOQL,a,,"SELECT Id\n# kept\n\nFROM X"\n\nSFDC,c,' + ID
    reports = load(soql)
    assert [report.soql for report in reports] == ["SELECT Id\n# kept\n\nFROM X", ""]


@pytest.mark.parametrize(("mark", "line_end"), [(b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n"), (b"", b"\r")])
def test_load_reports_takes_files_of_other_systems(load, mark, line_end):
    """A byte order mark, CRLF, CR."""
    text = f"{HEADER}# c\nSFDC,a,{ID}\n\nSFDC,b,{ID}\n"

    assert [report.name for report in load(mark + text.encode().replace(b"\n", line_end))] == ["a", "b"]


def test_load_reports_takes_the_original_five_when_no_header_name_is_known(load):
    """Old lists have all kinds of headers."""
    reports = load(f"Kind,File,Number,Folder,Extra\nSFDC,a,{ID},sub,?export=1&pv0=1\n")

    assert reports[0].export_params == "?export=1&pv0=1"
    assert reports[0].directory.endswith("/sub")


def test_load_reports_takes_header_in_any_case_with_blanks_and_trailing_commas(load):
    """Spreadsheets leave them."""
    reports = load(f" Report_Type , REPORT_FILE_NAME,report_id,,\nSFDC, a ,{ID},,\n")

    assert reports[0].name == "a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"SFDC,a,{ID}\n", "list.csv:1: the header row is missing: this row is a report already; expected the header"),
        ("SOQL,a,,x\n", "list.csv:1: the header row is missing"),
        (f"sfdc,a,{ID}\n", "list.csv:1: the header row is missing"),
        (f"x,a,{ID}\nSFDC,b,{ID}\n", "list.csv:1: the header row is missing"),
        ("# c\nreport_type,report_nam,report_id\n", "list.csv:2: unknown column 'report_nam'; did you mean"),
        ("report_type,,report_file_name,report_id\n", "list.csv:1: column 2 has no name"),
        ("report_type,report_type,report_file_name,report_id\n", "list.csv:1: the column `report_type` comes twice"),
        ("report_type,report_id\n", "list.csv:1: the column `report_file_name` is missing"),
        ("report_type,report_file_name\n", "list.csv:1: the column `report_id` is missing"),
        ("report_type;report_file_name;report_id\n", "list.csv:1: the columns are separated by"),
        ("a,b\n", "list.csv:1: no column name is known, and 2 columns are not the original three to five"),
        ("a,b,c,d,e,f\n", "list.csv:1: no column name is known, and 6 columns"),
        ("", "list.csv: contains no report; expected the header"),
        ("\n# only a comment\n", "list.csv: contains no report; expected the header"),
        (HEADER, "list.csv: contains no report; expected at least one row under the header"),
        (b"report_type,report_file_name,report_id\nSFDC,a\xe9,x\n", "list.csv:2: is not UTF-8 text (byte 0xe9)"),
        (HEADER.encode("utf-16"), "list.csv:1: is not UTF-8 text (byte 0xff)"),
        (f'{HEADER}SFDC,"a,{ID}\nSFDC,b,{ID}\n', "list.csv:2: the row has an open quote"),
        (f'{HEADER}SFDC,"a"b,{ID}\n', "list.csv:2: the row has text after a closing quote"),
        (f"{HEADER}SFDC,{'a' * 140_000},{ID}\n", "list.csv:2: the row is not valid CSV (field larger than"),
    ],
)
def test_load_reports_says_what_is_wrong_with_the_list_as_a_whole(problems_of, text, expected):
    """Header, encoding, quotes, emptiness."""
    problems = problems_of(text)

    assert len(problems) == 1
    assert problems[0].startswith(expected)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"XLS,a,{ID}", "report_type: expected one of `SFDC`, `SOQL`; found 'XLS'"),
        (f",a,{ID}", "report_type: expected one of `SFDC`, `SOQL`; found nothing"),
        (f"SFDC,,{ID}", "report_file_name: is empty"),
        (f"SFDC,../x,{ID}", "report_file_name: '../x' contains a slash or backslash"),
        (f"SFDC,/etc/x,{ID}", "report_file_name: '/etc/x' contains a slash"),
        (f"SFDC,a\\b,{ID}", "report_file_name: 'a\\b' contains a slash or backslash"),
        (f"SFDC,..,{ID}", "report_file_name: '..' is a directory"),
        (f"SFDC,.,{ID}", "report_file_name: '.' is a directory"),
        (f"SFDC,a\x00b,{ID}", "report_file_name: 'a\\x00b' contains a control character"),
        (f"SFDC,\x1b[31mred,{ID}", "report_file_name: '\\x1b[31mred' contains a control character"),
        (f'SFDC,"a\nb",{ID}', "report_file_name: 'a\\nb' contains a control character"),
        (f"SFDC,{'a' * 252},{ID}", "makes a file name of 256 bytes, extension included; expected at most 255"),
        (f"SFDC,{'ä' * 126},{ID}", "makes a file name of 256 bytes"),
        (f"SFDC,{{run_date:%d/%m}},{ID}", "report_file_name: '31/03' contains a slash"),
        (f"SFDC,{{rundate}},{ID}", "has the unknown placeholder '{rundate}'; did you mean `run_date`?"),
        ("SFDC,a,", "report_id: is empty"),
        ("SFDC,a", "report_id: is empty"),
        ("SFDC,a,00OD0000001ZbP7MAA", "report_id: '00OD0000001ZbP7MAA' has a wrong checksum"),
        (f"SFDC,a,{ID},../up", "report_path: '../up' contains `..`"),
        (f"SFDC,a,{ID},a/../b", "report_path: 'a/../b' contains `..`"),
        (f"SFDC,a,{ID},a\x07", "report_path: 'a\\x07' contains a control character"),
        (f"SFDC,a,{ID},,?enc=UTF-8", "optional_export_params: does not request an export"),
        (f"SFDC,a,{ID},,?export=1&xf=xlsx", "optional_export_params: requests xf=xlsx"),
        (f"SFDC,a,{ID},,?export=1&pv0={{run_date:%d %m}}", "optional_export_params: has a space"),
        (f"SFDC,a,{ID},,,pdf", "format: expected one of `csv`"),
        (f"SFDC,a,{ID},,,,clasic", "`classic`, `analytics`, `excel`; found 'clasic'; did you mean `classic`?"),
        (f"SFDC,a,{ID},,,,,never", "footer: expected one of `required`, `optional`"),
        (f"SFDC,a,{ID},,,,,,-1", "min_rows: expected a whole number of at least 0; found '-1'"),
        (f"SFDC,a,{ID},,,,,,1.5", "min_rows: expected a whole number"),
        (f"SFDC,a,{ID},,,,,,,101", "max_drop_pct: expected a number from 0 to 100"),
        (f"SFDC,a,{ID},,,,,,,5%", "max_drop_pct: expected a number from 0 to 100, without `%`"),
        (f"SFDC,a,{ID},,,,,,,,most", "columns: expected one of `any`, `same`"),
        (f"SFDC,a,{ID},,,,,,,,,perhaps", "may_be_empty: expected one of `true`, `false`, `warn`"),
        (f"SFDC,a,{ID},,,,,,,,,,SELECT Id FROM X", "soql: is for rows of type SOQL only"),
        ("SOQL,a,,,,,,,,,,,", "soql: is empty; a SOQL row needs a query"),
        ("SOQL,a,,,,,,,,,,,DELETE", "soql: 'DELETE' is not a query"),
        (f"SOQL,a,{ID},,,,,,,,,,SELECT Id FROM X", "is for rows of type SFDC only"),
        ("SOQL,a,,,?export=1,,,,,,,,SELECT Id FROM X", "optional_export_params: is for rows of type SFDC only"),
        (
            f"SFDC,a,{ID}{',' * (len(COLUMNS) - 2)}extra",
            f"has {len(COLUMNS) + 1} cells where the header has {len(COLUMNS)}: 'extra' is too many",
        ),
    ],
)  # fmt: skip
def test_load_reports_says_what_is_wrong_with_a_row(problems_of, row, expected):
    """File, line, column, what is wrong; nothing that a terminal would act on."""
    problems = problems_of(f"{','.join(COLUMNS)}\n{row}\n")

    assert len(problems) == 1
    assert problems[0].startswith("list.csv:2: ")
    assert expected in problems[0]
    assert problems[0].isprintable()


def test_load_reports_raises_everything_at_once(problems_of):
    """All bad rows, all bad cells, and names that collide."""
    problems = problems_of(f"{HEADER}SFDC,../x,bad\nXLS,a,{ID}\nSFDC,b,{ID}\nSFDC,B,{OTHER_ID}\n")

    assert [problem.partition(": ")[0] for problem in problems] == [f"list.csv:{n}" for n in (2, 2, 3, 5)]


def test_load_reports_takes_a_name_of_255_bytes_with_its_ending(load):
    """What the file system takes is taken."""
    assert len(load(f"{HEADER}SFDC,{'a' * 251},{ID}\n")[0].name) == 251


@pytest.mark.parametrize(
    "rows",
    [
        f"SFDC,a,{ID}\nSFDC,A,{OTHER_ID}",
        f"SFDC,straße,{ID}\nSFDC,STRASSE,{OTHER_ID}",
        f"SFDC,é,{ID}\nSFDC,e\u0301,{OTHER_ID}",
        f"SFDC,a,{ID},sub\nSFDC,a,{OTHER_ID},./sub/",
        f"SFDC,a,{ID},sub\nSFDC,a,{ID},link",
        f"SFDC,a 2026-03-31,{ID}\nSFDC,a {{run_date}},{OTHER_ID}",
        f"SFDC,a,{ID},output\nSFDC,a,{OTHER_ID}",
    ],
)
def test_load_reports_refuses_two_rows_with_one_name_in_one_directory(problems_of, tmp_path, rows):
    """Case, accents, dates and links considered."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub")

    problems = problems_of(f"{HEADER}{rows}\n")

    assert len(problems) == 1
    assert problems[0].startswith("list.csv:3: report_file_name: ")
    assert "list.csv:2" in problems[0]


def test_load_reports_takes_one_report_in_two_places(load):
    """Twice the same id, in either form, is a wish like any other."""
    assert len(load(f"{HEADER}SFDC,a,{ID}\nSFDC,b,{ID[:15]}\nSFDC,a,{ID},sub\n")) == 3


@pytest.mark.parametrize(
    ("row", "owner"),
    [
        ("summary_report,{id},output", "summary[0].path"),
        ("short,{id},linked", "summary[1].path"),
        ("sfr.log,{id},logs", "logging.file.path"),
        ("history.sqlite3,{id},output/.sfr", "history.path"),
        ("list,{id},.", "reports.list"),
        ("a,{id},output/.sfr", "where SFR keeps its own files"),
        ("a,{id},output/.sfr/deeper", "where SFR keeps its own files"),
    ],
)
def test_load_reports_refuses_a_file_that_sfr_uses_itself(problems_of, tmp_path, row, owner):
    """Summaries, logs and their older files, history, lock, and the list; links resolved."""
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    config = config_of(
        tmp_path,
        summary=(SummaryTarget(format="csv"), SummaryTarget(format="csv", path=str(tmp_path / "real/short.csv"))),
    )
    config = config.model_copy(
        update={
            "logging": Logging(file=FileLog(path=str(tmp_path / "logs/sfr.log.csv"))),
            "history": History(path=str(tmp_path / "output/.sfr/history.sqlite3.csv")),
        }
    )

    problems = problems_of(f"{HEADER}SFDC,{row.format(id=ID)}\n", config)

    assert len(problems) == 1
    assert owner in problems[0]


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (["a*"], ["apple", "apricot 2026-03-31"]),
        (["A*"], []),
        (["banana", "apple"], ["apple", "banana"]),
        (["*2026*"], ["apricot 2026-03-31"]),
        (["apricot {run_date}"], ["apricot 2026-03-31"]),
        ([OTHER_ID], ["banana"]),
        ([OTHER_ID[:15]], ["banana"]),
        (["00OE*"], ["banana"]),
        (["[ab]*"], ["apple", "banana", "apricot 2026-03-31"]),
    ],
)
def test_load_reports_keeps_what_only_matches(load, only, names):
    """By name or id, in list order, positions counted again; none is an error."""
    text = f"{HEADER}SFDC,apple,{ID}\nSFDC,banana,{OTHER_ID}\nSFDC,apricot {{run_date}},{ID}\n"
    if not names:
        with pytest.raises(ReportListError, match="--only: no report's name or id matches 'A\\*'"):
            load(text, only=only)
        return

    reports = load(text, only=only)

    assert [report.name for report in reports] == names
    assert [report.position for report in reports] == list(range(len(names)))


def test_load_reports_proposes_the_nearest_name_when_only_matches_nothing(load):
    """Patterns are case-sensitive and match whole names, so a part of a name or another case finds nothing."""
    with pytest.raises(ReportListError, match="matches 'Open Pipelin'; did you mean `Open Pipeline`\\?"):
        load(f"{HEADER}SFDC,Open Pipeline,{ID}\nSFDC,Cases,{OTHER_ID}\n", only=["Open Pipelin"])


def test_load_reports_saves_everything_under_path_when_it_is_given(load, tmp_path, problems_of):
    """Whatever the list says; names that then meet are an error, unless only one of them is wanted."""
    text = f"{HEADER}SFDC,a,{ID},x\nSFDC,a,{ID},y\n"

    assert [report.directory for report in load(text, only=["a"], path=None)] == [
        str(tmp_path / "x"),
        str(tmp_path / "y"),
    ]
    assert "same directory" in problems_of(text, path="z")[0]
    reports = load(f"{HEADER}SFDC,a,{ID},x\nSFDC,a,{OTHER_ID},y\n", only=[ID], path="../z")
    assert [report.directory for report in reports] == [str(tmp_path.parent / "z")]


def test_load_reports_names_problems_in_the_order_of_lines(problems_of):
    """Cells and destinations are checked one after the other, for the whole list."""
    problems = problems_of(f"{HEADER}SFDC,a,{ID}\nSFDC,A,{OTHER_ID}\nSFDC,b,x\nSFDC,A\u0301,{ID}\nSFDC,\u00e1,{ID}\n")

    assert [problem.split(":")[1] for problem in problems] == ["3", "4", "6"]
    assert "'a' of list.csv:2" in problems[0]
    assert "only in case, invisible characters" in problems[2]


def test_load_reports_takes_arguments_instead_of_the_list(load):
    """`--report` is a row of the original five."""
    reports = load("broken", arguments=[f"SFDC,a,{ID},sub", f'SFDC,"b, c",{ID},,"?export=1&pv0=1,2"'])

    assert [(report.name, report.export_params[-7:]) for report in reports] == [("a", "sdtp=p1"), ("b, c", "pv0=1,2")]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", "--report: '' is invalid; expected \"TYPE,NAME,ID,PATH[,PARAMS]\""),
        ("SFDC", "is invalid"),
        (f"SFDC,a,{ID},,?export=1,2", "is invalid"),
        (f"SFDC,a,{ID}\nSFDC,b,{ID}", "is invalid"),
        (f'SFDC,"a,{ID}', "is invalid"),
        ("SFDC,a,x,", "--report: report_id: 'x' (length 1) is not a report id"),
        ("SOQL,a,,", "--report: soql: is empty"),
    ],
)
def test_load_reports_says_what_is_wrong_with_an_argument(problems_of, argument, expected):
    """With the form it should have."""
    problems = problems_of("", arguments=[argument])

    assert len(problems) == 1
    assert expected in problems[0]


def test_load_reports_adds_items_of_the_configuration_to_the_list(load, tmp_path):
    """Items come after the list's rows, and meet the same checks."""
    items = (
        ReportItem({"report_type": "SFDC", "report_file_name": "b", "report_id": ID}, "a.yaml:4: reports.items[0]"),
    )
    config = config_of(tmp_path, reports=Reports(list=str(tmp_path / "list.csv"), items=items))

    assert [report.name for report in load(f"{HEADER}SFDC,a,{ID}\n", config)] == ["a", "b"]
    with pytest.raises(
        ReportListError, match=r"a.yaml:4: reports.items\[0\]: report_file_name: 'b' conflicts.*only in case"
    ):
        load(f"{HEADER}SFDC,B,{ID}\n", config)


def test_load_reports_takes_mappings_instead_of_the_list(load):
    """What `sfr.run(reports=[…])` gives: texts, numbers, booleans, paths, None."""
    rows = [
        {"report_type": "SFDC", "report_file_name": "a", "report_id": ID, "min_rows": 3, "max_drop_pct": 2.5,
         "may_be_empty": True, "format": None},
        {"report_type": "SOQL", "report_file_name": "b", "soql": "SELECT Id FROM X"},
    ]  # fmt: skip

    reports = load("broken", rows=rows)

    assert reports[0].guards == Guards(3, 2.5, "any", "true")
    assert [report.report_type for report in reports] == ["SFDC", "SOQL"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "reports: contains no report; expected at least one mapping"),
        ([5], "reports[0]: expected a mapping with column names as keys, found int"),
        ([{"report_typ": "SFDC"}], "reports[0]: unknown key 'report_typ'; did you mean `report_type`?"),
        ([{1: "SFDC"}], "reports[0]: unknown key '1'"),
        ([{"report_type": ["SFDC"]}], "reports[0]: report_type: expected text, found list"),
        ([{"report_type": "SFDC", "report_file_name": "\udcff", "report_id": ID}], "contains a control character"),
    ],
)
def test_load_reports_says_what_is_wrong_with_a_mapping(problems_of, rows, expected):
    """With its place in the sequence."""
    assert any(expected in problem for problem in problems_of("", rows=rows))


def test_load_reports_says_why_when_the_list_cannot_be_read(tmp_path, monkeypatch):
    """A missing list is a sentence, not a traceback."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(
        ReportListError, match=r"^list.csv: cannot be read: No such file or directory; expected a report"
    ):
        load_reports(config_of(tmp_path), now=NOW)


FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\{}"), min_size=1, max_size=20
).filter(lambda name: name.strip(" \t") == name and name not in (".", ".."))
CELLS = st.text(max_size=12) | st.sampled_from(
    ["SFDC", "SOQL", ID, "?export=1", "{run_date}", "a", "sub", '"', ",", "\n#"]
)


def answer(load, content, **options):
    """The reports, or None if the list is refused with printable problems."""
    try:
        return load(content, **options)
    except ReportListError as error:
        problems = error.problems
    assert problems
    assert all(problem.isprintable() for problem in problems)
    return None


@FEW
@given(st.binary(max_size=120))
def test_load_reports_handles_any_bytes_without_a_traceback(load, content):
    """Files that are no list."""
    answer(load, content)


@FEW
@given(st.lists(st.lists(CELLS, max_size=6), max_size=5))
def test_load_reports_handles_any_cells_without_a_traceback(load, rows):
    """And what is taken stays below the directories it names."""
    output = io.StringIO()
    csv.writer(output).writerows([ORIGINAL_COLUMNS, *rows])

    for report in answer(load, output.getvalue().encode("utf-8", "surrogatepass")) or ():
        assert os.path.dirname(os.path.realpath(report.path)) == os.path.realpath(report.directory)


@FEW
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELLS | st.integers() | st.none(), max_size=8), max_size=4))
def test_load_reports_handles_any_mappings_without_a_traceback(load, rows):
    """Rows from Python."""
    answer(load, "", rows=rows)


@FEW
@given(st.lists(st.text(max_size=40), max_size=3))
def test_load_reports_handles_any_arguments_without_a_traceback(load, arguments):
    """Rows from the command line."""
    answer(load, HEADER, arguments=arguments)


@FEW
@given(st.lists(NAMES, min_size=1, max_size=6, unique_by=str.casefold), st.sampled_from(["\n", "\r\n"]))
def test_load_reports_reads_back_what_a_csv_writer_wrote(load, names, line_end):
    """Names of any script, quoted or not."""
    output = io.StringIO()
    csv.writer(output, lineterminator=line_end).writerows(
        [ORIGINAL_COLUMNS[:3], *(("SFDC", name, ID) for name in names)]
    )

    reports = answer(load, output.getvalue())

    if reports is not None:
        assert [report.name for report in reports] == names


def test_load_reports_warns_of_what_was_meant_otherwise_as_a_rule(load, tmp_path):
    """With file, line and column, as problems have; the reports are there all the same."""
    config = config_of(
        tmp_path, salesforce=Salesforce(domain="https://acme.my.salesforce.com", auth=SfCliSettings(org="me"))
    )
    warnings = []

    reports = load(
        f"{HEADER}SFDC,v1.parquet,https://beta.lightning.force.com/lightning/r/Report/{ID}/view\n"
        f"SFDC,ＡＢ,{ID}\nSFDC,AB,{ID}\n",
        config,
        warnings=warnings,
    )

    assert len(reports) == 3
    assert [warning.split(": ")[:2] for warning in warnings] == [
        ["list.csv:2", "report_file_name"],
        ["list.csv:2", "report_id"],
        ["list.csv:4", "report_file_name"],
    ]
    assert "another org" in warnings[1]
    assert "list.csv:3" in warnings[2]


def test_load_reports_refuses_filters_in_an_address(problems_of):
    """They would be dropped, and another report saved."""
    (problem,) = problems_of(f"{HEADER}SFDC,a,https://acme.my.salesforce.com/{ID}?pv0=West\n")

    assert problem.startswith("list.csv:2: report_id: ")
    assert "optional_export_params" in problem


@pytest.mark.parametrize(
    "path", ["$HOME/reports", "C:\\reports", "\\\\server\\share", "%USERPROFILE%", "~nobody-by-this-name", "a\u200b/b"]
)
def test_load_reports_refuses_paths_of_other_systems(problems_of, path):
    """A directory of that very name would be made."""
    (problem,) = problems_of(f"{HEADER}SFDC,a,{ID},{path}\n")

    assert problem.startswith("list.csv:2: report_path: ")


def test_load_reports_fills_in_the_home_directory(load, monkeypatch, tmp_path):
    """In the list and in `--path`; no shell does it there."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert load(f"{HEADER}SFDC,a,{ID},~/reports\n")[0].directory == str(tmp_path / "home/reports")
    assert load(f"{HEADER}SFDC,a,{ID}\n", path="~/x")[0].directory == str(tmp_path / "home/x")


def test_load_reports_refuses_path_option_of_another_system(problems_of):
    """The option is named."""
    (problem,) = problems_of(f"{HEADER}SFDC,a,{ID}\n", path="$HOME/x")

    assert problem.startswith("--path: expected a path without `$`")


FILTER_HEADER = "report_type,report_file_name,report_id,format,route,optional_export_params,soql,filters,max_age_h"


def test_load_reports_takes_filters_and_ages(load, tmp_path):
    """In a fixed order, dates filled in; the row's age comes before the configuration's."""
    config = config_of(tmp_path, fetch=Fetch(max_age_h=20.0))
    text = (
        f"{FILTER_HEADER}\nSFDC,a,{ID},,,,,scope=mine; 2=Won; date=CREATED:{{month_start-1m}}..{{month_end-1m}},\n"
        f"SFDC,b,{ID},,,,,,0\nSFDC,c,{ID},,classic,,,1={{run_date}},1.5\n"
    )
    first, second, third = load(text, config)

    assert first.filters == "2=Won; date=CREATED:2026-02-01..2026-02-28; scope=mine"
    assert (second.filters, third.filters) == ("", "1=2026-03-31")
    assert [one.max_age_h for one in (first, second, third)] == [20.0, 0.0, 1.5]


def test_load_reports_fetches_reports_of_the_command_line_whatever_their_age(load, tmp_path):
    """`--report` means now."""
    config = config_of(tmp_path, fetch=Fetch(max_age_h=20.0))

    assert load_reports(config, now=NOW, arguments=[f"SFDC,a,{ID},"])[0].max_age_h is None


def test_load_reports_takes_filters_as_a_mapping(tmp_path):
    """From YAML items and Python callers; the texts are the list's."""
    filters = {2: "a;b", "scope": "mine", "date": "{run_date}..{run_date}"}
    (report,) = load_reports(
        config_of(tmp_path),
        now=NOW,
        rows=[{"report_type": "SFDC", "report_file_name": "a", "report_id": ID, "filters": filters}],
    )

    assert report.filters == r"2=a\;b; date=2026-03-31..2026-03-31; scope=mine"


def test_load_reports_refuses_a_mapping_of_filters_with_more_than_texts(tmp_path):
    """Several values are one text, separated by commas."""
    row = {"report_type": "SFDC", "report_file_name": "a", "report_id": ID, "filters": {1: ["New", "Closed"], 2: "x"}}
    with pytest.raises(ReportListError, match=r"filters: expected one text for '1'"):
        load_reports(config_of(tmp_path), now=NOW, rows=[row])


def test_load_reports_refuses_a_name_of_a_filter_that_holds_a_value(tmp_path):
    """It would set another filter than the one that was meant."""
    row = {"report_type": "SFDC", "report_file_name": "a", "report_id": ID, "filters": {"1=x; 2": "y"}}
    with pytest.raises(ReportListError, match=r"filters: expected a filter's number from 1, .* without `=`"):
        load_reports(config_of(tmp_path), now=NOW, rows=[row])


@pytest.mark.parametrize("format_name", ["", "xlsx", "XLSX"])
def test_load_reports_makes_a_workbook_of_the_excel_route(load, format_name):
    """Whatever `output.format` says, and without any extra."""
    (report,) = load(f"{FILTER_HEADER}\nSFDC,a,{ID},{format_name},excel,,,1=x,\n")

    assert (report.route, report.format) == ("excel", "xlsx")
    assert report.path.endswith("/a.xlsx")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"SFDC,a,{ID},,,,,0=x,", "filters: numbers a filter 0"),
        (f"SFDC,a,{ID},,,,,date=2026-01-01,", "filters: has the date range '2026-01-01'; expected `date=FROM..TO`"),
        (f"SFDC,a,{ID},,,,,1={{month_strt}},", "filters: has the unknown placeholder '{month_strt}'; did you mean"),
        ("SOQL,a,,,,,SELECT Id FROM X,1=x,", "filters: is for rows of type SFDC only"),
        ("SOQL,a,,,excel,,SELECT Id FROM X,,", "route: `excel` is for reports"),
        (f"SFDC,a,{ID},csv,excel,,,,", "format: `route: excel` saves a workbook; expected `xlsx` or nothing"),
        (f"SFDC,a,{ID},,,?export=1&pv0=x,,1=x,", "filters: select rows, and so does `optional_export_params` (`pv0`)"),
        (f"SFDC,a,{ID},,,?export=1&colDt_s=x,,scope=mine,", "`optional_export_params` (`colDt_s`)"),
        (f"SFDC,a,{ID},,classic,?export=1&scope=x,,1=x,", "`optional_export_params` (`scope`)"),
        (f"SFDC,a,{ID},,excel,?export=1&pv0=x,,,", "optional_export_params: selects rows by `pv0`"),
        (f"SFDC,a,{ID},,,,,,soon", "max_age_h: expected a number of hours from 0 to 8,784; found 'soon'"),
        (f"SFDC,a,{ID},,,,,,-1", "max_age_h: expected a number of hours"),
        (f"SFDC,a,{ID},,,,,,99999", "max_age_h: expected a number of hours"),
    ],
)  # fmt: skip
def test_load_reports_says_what_is_wrong_with_filters_routes_and_ages(problems_of, row, expected):
    """Before anything is fetched."""
    (problem,) = problems_of(f"{FILTER_HEADER}\n{row}\n")

    assert problem.startswith("list.csv:2: ")
    assert expected in problem
