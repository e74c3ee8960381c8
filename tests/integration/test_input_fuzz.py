"""Whatever a list or a configuration holds, the program answers with a plan or with 2 and sentences, nothing else."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.cli import main

ID = "00O5g000001AbcdEAC"
CONFIG = """
salesforce:
  domain: https://acme.my.salesforce.com
  auth: {sid: {value: "${SFDC_SID}"}}
reports: {list: list.csv}
fetch: {threads: 4, timeout_s: 900, backoff: {first_s: 1, max_s: 60}}
output: {directory: output, format: csv, file_mode: "0640"}
summary:
  - {format: csv, path: null}
  - &json {format: json, path: null}
guards: {min_rows: 1, columns: any}
"""
FEW = settings(
    max_examples=int(os.environ.get("SFR_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

AWKWARD_NAMES = [
    *("a", "A", "ß", "ss", "é", "e\u0301", ".", "..", "../x", "/etc/x", "a/b", "a\\b", "n\0l", "l\nf", 'q"q', "c,c"),
    *("\x1b[31mred", "\u202ertl", "#no", " blank ", "=1+1", "{run_date}", "{run_date:%Q}", "{bogus}"),
    "x" * 300,
    "日" * 100,
]  # fmt: skip
NAMES = st.text(max_size=8) | st.sampled_from(AWKWARD_NAMES)
IDS = st.sampled_from(
    [ID, ID[:15], f"https://x.lightning.force.com/r/Report/{ID}/view", ID.lower(), "", "00O", "=1", "\0"]
)
PATHS = st.sampled_from(["", "sub", "sub/deeper", "../up", "a/../b", "~", "\0", "x" * 300, "list.csv", "output"])
CELLS = {"name": NAMES, "id": IDS, "path": PATHS, "params": st.sampled_from(["", "?export=1", "?enc=none", "x", "?&&"])}
ROWS = st.tuples(st.sampled_from(["SFDC", "sfdc", "SOQL", "#", ""]), *CELLS.values())
BYTE_ORDER_MARK = "\ufeff"


@st.composite
def lists(draw):
    """The bytes of a list as people, spreadsheets and broken disks leave them."""
    text = io.StringIO()
    header = draw(
        st.sampled_from(["report_type,report_file_name,report_id,report_path,optional_export_params", "", "SFDC,a"])
    )
    rows = draw(st.lists(ROWS, max_size=5))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    csv.writer(text, lineterminator=end, quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))).writerows(
        rows * draw(st.sampled_from([1, 1, 2]))
    )
    whole = draw(st.sampled_from(["", BYTE_ORDER_MARK])) + header + end + text.getvalue()
    content = whole.encode(draw(st.sampled_from(["utf-8", "utf-8", "latin-1", "utf-16"])), "replace")
    cut = draw(st.integers(0, len(content)))
    return draw(
        st.sampled_from([content, content, content[:cut], content[:cut] + draw(st.binary(max_size=3)) + content[cut:]])
    )


@st.composite
def configurations(draw):
    """A configuration with something put in, taken out or cut off anywhere."""
    at = draw(st.integers(0, len(CONFIG)))
    end = draw(st.integers(at, min(at + 12, len(CONFIG))))
    inserts = [
        "\t",
        "  ",
        ": ",
        "- ",
        "*json",
        "&json",
        "{",
        "]",
        "'",
        "${SFDC_SID}",
        "${",
        "${cred:x}",
        "12:30",
        "null",
        "!!x",
        "\n",
    ]
    return CONFIG[:at] + draw(st.sampled_from(inserts) | st.text(max_size=4)) + CONFIG[end:]


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """A working directory with a right list and configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SFDC_SID", "canary-session-id")
    monkeypatch.setenv("RES_OPTIONS", "")
    (tmp_path / "sfr.yaml").write_text(CONFIG)
    (tmp_path / "list.csv").write_text(f"report_type,report_file_name,report_id\nSFDC,a,{ID}\n")
    return tmp_path


def plan_of(directory: Path) -> list[str] | None:
    """The plan's lines, or None if the program says what is wrong; it writes no file either way."""
    before = set(directory.rglob("*"))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--config", "sfr.yaml", "--check", "--offline"])
    assert set(directory.rglob("*")) == before
    assert "canary" not in out.getvalue() + err.getvalue()
    assert all(line.isprintable() for line in (out.getvalue() + err.getvalue()).splitlines())
    if code == 0:
        return out.getvalue().splitlines()
    assert code == 2
    assert out.getvalue() == ""
    assert err.getvalue().splitlines()
    assert all(line.startswith("sfr: ") for line in err.getvalue().split("\n")[:-1])
    return None


def test_program_plans_the_unchanged_list_and_configuration(directory):
    """What the fuzzing starts from is right, and gives one row, between the head and the result."""
    assert len(plan_of(directory) or []) == 4


@FEW
@given(lists())
def test_program_handles_any_list_with_a_plan_or_with_2(directory, content):
    """Byte order marks, CR, Latin-1, NUL, quotes, long names, duplicates, names that fold to one; cut anywhere."""
    (directory / "list.csv").write_bytes(content)

    plan_of(directory)


@FEW
@given(configurations())
def test_program_handles_any_configuration_with_a_plan_or_with_2(directory, text):
    """One edit away from right, wherever it is."""
    (directory / "sfr.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))

    plan_of(directory)
