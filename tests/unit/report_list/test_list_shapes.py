"""What people paste in the place of a report list: each shape is named, with its line and what to do."""

import pytest

from sfr.config.text_file import FILE_KINDS
from sfr.report_list.list_shapes import HEADER_SHAPES, LINE_SHAPES
from sfr.report_list.rows import rows_of_file, rows_of_text
from sfr.shapes import first_shape

ID = "00OD0000001ZbP7MAK"
HEADER = "report_type,report_file_name,report_id\n"

#: Text → the line, and words of the message.
REFUSED = {
    f"sep=,\n{HEADER}": (1, "`sep=`"),
    '"sep=;"\nreport_type;report_id\n': (1, "`sep=`"),
    f'[{{"report_type": "SFDC", "report_id": "{ID}"}}]': (1, "JSON"),
    '{\n "reports": []}': (1, "JSON"),
    "# mine\nreports:\n  items:\n": (2, "YAML"),
    f"- report_type: SFDC\n  report_id: {ID}\n": (1, "YAML"),
    f"| report_type | report_file_name |\n|---|---|\n| SFDC | {ID} |\n": (1, "table"),
    f"{HEADER}| SFDC | a | {ID} |\n": (2, "table"),
    f'"report_type,report_file_name,report_id"\n"SFDC,a,{ID}"\n': (1, "whole line"),
    f'{HEADER}"SFDC,a,{ID}"\n': (2, "whole line"),
    f'{HEADER}\n# c\n"SFDC,""a, b"",{ID}",,\n': (4, "whole line"),
    "“report_type”,“report_file_name”,“report_id”\n": (1, "typographic quotes"),
    f"{HEADER}„SFDC“,„a, b“,„{ID}“\n": (2, "typographic quotes"),
    "report_type;report_file_name;report_id\n": (1, "semicolons"),
    f"{HEADER}SFDC;a;{ID}\n": (2, "semicolons"),
    "report_type\treport_file_name\treport_id\n": (1, "tabs"),
    f"{HEADER}SFDC\ta\t{ID}\n": (2, "tabs"),
    "report_type|report_file_name|report_id\n": (1, "`|`"),
    "report_type，report_file_name，report_id\n": (1, "U+FF0C"),
    "report_type、report_file_name\n": (1, "U+3001"),
    "report_type،report_file_name\n": (1, "U+060C"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=ascii)
def test_rows_of_text_identifies_what_is_no_list(text, expected):
    """One problem: the line, what is there, what to do."""
    problems = []

    rows_of_text(text, "list.csv", problems)

    line, words = expected
    assert len(problems) == 1
    assert problems[0].startswith(f"list.csv:{line}: ")
    assert words in problems[0]


@pytest.mark.parametrize("shape", [*HEADER_SHAPES, *LINE_SHAPES], ids=lambda shape: shape.what[:40])
def test_every_shape_of_the_table_has_an_example(shape):
    """No entry is hidden by another."""
    lines = [text.splitlines()[line - 1] for text, (line, _) in REFUSED.items()]

    assert shape in [first_shape((*HEADER_SHAPES, *LINE_SHAPES), line) for line in lines]


@pytest.mark.parametrize("kind", FILE_KINDS, ids=lambda kind: ascii(kind.beginning))
def test_rows_of_file_says_what_kind_of_file_it_is(tmp_path, kind):
    """Workbooks, archives and pages that were saved under the name of a CSV file; UTF-16 of Excel."""
    codec = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(kind.beginning, "utf-8")
    (tmp_path / "list.csv").write_bytes(kind.beginning + HEADER.encode(codec))
    problems = []

    assert rows_of_file(str(tmp_path / "list.csv"), problems) == []
    assert len(problems) == 1
    assert "list.csv:1: " in problems[0]
    assert kind.what in problems[0]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_rows_of_file_recognises_wide_text_without_its_mark(tmp_path, codec):
    """As programs write it that leave the mark out."""
    (tmp_path / "list.csv").write_bytes(HEADER.encode(codec))
    problems = []

    assert rows_of_file(str(tmp_path / "list.csv"), problems) == []
    assert "not UTF-8" in problems[0]


def test_rows_of_text_takes_a_header_with_characters_that_cannot_be_seen():
    """They change nothing about which column is meant."""
    problems = []

    rows = rows_of_text(f"report_type\u200b,report_file_name\xa0,\u2060report_id\nSFDC,a,{ID}\n", "list.csv", problems)

    assert problems == []
    assert rows[0]["report_id"] == ID


def test_rows_of_text_takes_cells_that_look_like_a_shape():
    """Semicolons, quotes and bars within cells are theirs."""
    problems = []

    rows = rows_of_text(f'{HEADER}SFDC,“Big” deals; all | open,{ID}\nSFDC,"a;b\tc",{ID}\n', "list.csv", problems)

    assert problems == []
    assert [row["report_file_name"] for row in rows] == ["“Big” deals; all | open", "a;b\tc"]
