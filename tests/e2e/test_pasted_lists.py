"""What users paste into lists: the whole program, in whatever locale it runs."""

from __future__ import annotations

import pytest

HEADER = "report_type,report_file_name,report_id,report_path,optional_export_params\n"
#: Python's own UTF-8 mode off, as with a locale that names another encoding.
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def listed(org, job):
    """A job whose reports come from `list.csv`; gives what writes it."""
    job.for_org(org)

    def write(rows):
        (job.directory / "list.csv").write_text(HEADER + rows, encoding="utf-8")
        return job

    return write


def test_run_with_an_ascii_locale_says_which_character_file_names_cannot_hold(listed, org):
    """No traceback, and nothing is fetched."""
    job = listed(f"SFDC,a名,{org.report('Awkward Cells').id},,\n")
    job.environ |= ASCII_LOCALE
    _use_list(job)

    ended = job.run("list.csv")

    assert ended.code == 2
    assert "U+540D" in ended.stderr
    assert "C.UTF-8" in ended.stderr


def test_check_shows_warnings_about_list_and_time_zone(listed, org):
    """On stderr, with the plan on stdout and exit code 0."""
    report_id = org.report("Awkward Cells").id
    job = listed(f"SFDC,v1.parquet,https://acme.my.salesforce.com/{report_id},,\n")
    job.environ["TZ"] = "Nowhere/Land"
    _use_list(job)

    ended = job.run("list.csv", "--check", "--offline")

    assert ended.code == 0
    assert "another org" in ended.stderr
    assert "v1.parquet.csv" in ended.stderr
    assert "Nowhere/Land" in ended.stderr
    assert "v1.parquet.csv" in ended.stdout


def test_run_saves_below_the_home_directory_where_the_list_says_so(listed, org):
    """`~` makes no directory of that name."""
    job = listed(f"SFDC,a,{org.report('Awkward Cells').id},~/reports,\n")
    job.environ["HOME"] = str(job.directory / "home")
    _use_list(job)

    assert job.run("list.csv").code == 0
    assert (job.directory / "home/reports/a.csv").is_file()
    assert not (job.directory / "~").exists()


def _use_list(job):
    """Leave the reports of the configuration itself out."""
    path = job.directory / "sfr.yaml"
    head, _, rest = path.read_text().partition("reports:")
    path.write_text(f"{head}fetch:{rest.partition('fetch:')[2]}")
