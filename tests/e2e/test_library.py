"""`sfr.run` as scripts, threads and notebooks call it: without a `__main__` guard."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(org, job):
    """Runs a script in the job's directory, where `sfr.yaml` names two reports."""
    job.for_org(org, "Awkward Cells", "Deals by Stage")
    job.environ["PYTHONPATH"] = str(CHECKOUT)

    def run(text):
        (job.directory / "script.py").write_text(textwrap.dedent(text))
        ended = job.start_command([sys.executable, "-W", "error", "script.py"]).end()
        job.assert_clean(ended)
        return ended

    return run


def test_run_works_from_an_unguarded_script(script, job, expected):
    """The script runs once, not once per worker; the values are the summary's."""
    ended = script(
        """
        import sfr
        print("begun")
        result = sfr.run("sfr.yaml")
        print(result.exit_code, result.rows, [stats.status.value for stats in result.reports])
        """
    )

    assert ended.code == 0, ended.stderr
    run = job.summary()["run"]
    assert ended.stdout.splitlines() == ["begun", f"0 {run['rows']} ['saved', 'saved']"]
    assert job.file("Awkward Cells").read_bytes() == expected("Awkward Cells")


def test_run_leaves_the_program_its_own_multiprocessing(script):
    """Locks and processes from before and after the run work, and Python still clears away what they leave."""
    ended = script(
        """
        import multiprocessing
        from multiprocessing import resource_tracker
        import sfr

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            before, tracker = context.Event(), resource_tracker.getfd()
            assert sfr.run("sfr.yaml").exit_code == 0
            after = context.Event()
            for event in (before, after):
                process = context.Process(target=event.set)
                process.start()
                assert event.wait(60)
                process.join()
                assert process.exitcode == 0
            assert resource_tracker.getfd() == tracker
            print("done")
        """
    )

    assert ended.code == 0, ended.stderr
    assert ended.stdout == "done\n"
    assert not ended.stderr


def test_run_works_from_a_thread_and_twice(script, job):
    """No signal handlers off the main thread; the second run finds the files unchanged."""
    ended = script(
        """
        import signal, threading
        import sfr
        before = signal.getsignal(signal.SIGTERM)
        codes = []
        for _ in range(2):
            thread = threading.Thread(target=lambda: codes.append(sfr.run("sfr.yaml")))
            thread.start()
            thread.join()
        print([int(result.exit_code) for result in codes], codes[1].reports[0].status.value)
        print(signal.getsignal(signal.SIGTERM) is before)
        """
    )

    assert ended.code == 0, ended.stderr
    assert ended.stdout.splitlines() == ["[0, 0] unchanged", "True"]


def test_run_works_from_standard_input(job, org, script):
    """As a notebook: the main module has no file that a worker could import."""
    script("")
    ended = job.start_command([sys.executable, "-c", "import sfr; print(sfr.run('sfr.yaml').exit_code)"]).end()

    assert (ended.code, ended.stdout) == (0, "0\n"), ended.stderr


def test_reports_given_replace_the_list(script, org, job):
    """Mappings with the list's column names."""
    ended = script(
        f"""
        import sfr
        row = {{"report_type": "SFDC", "report_file_name": "Mine", "report_id": {org.report("Awkward Cells").id!r}}}
        result = sfr.run("sfr.yaml", reports=[row])
        print(result.exit_code, [stats.report.name for stats in result.reports])
        """
    )

    assert ended.stdout == "0 ['Mine']\n", ended.stderr
    assert list(job.reports()) == ["Mine"]


def test_wrong_configuration_and_refused_log_in(script, org):
    """The first is an exception, the second a value."""
    org.end_sessions()
    ended = script(
        """
        import sfr
        from sfr.errors import UsageError
        try:
            sfr.run("absent.yaml")
        except UsageError as error:
            print("absent.yaml" in str(error))
        print(sfr.run("sfr.yaml").exit_code)
        """
    )

    assert ended.stdout.splitlines() == ["True", "3"], ended.stderr


def test_secrets_are_back_in_the_environment_after_the_run(script, org, job):
    """They leave it for the time of the run only."""
    job.environ["SFDC_SID"] = org.sid
    path = job.directory / "sfr.yaml"
    path.write_text(path.read_text().replace(f"value: {org.sid}", "value: ${SFDC_SID}"))

    ended = script(
        """
        import os
        import sfr
        before = os.environ["SFDC_SID"]
        print(sfr.run("sfr.yaml").exit_code, os.environ["SFDC_SID"] == before)
        """
    )

    assert ended.stdout == "0 True\n", ended.stderr


def test_importing_sfr_loads_next_to_nothing(script):
    """No network, YAML or database module."""
    ended = script(
        """
        import sys
        import sfr
        print(sorted({"requests", "yaml", "sqlite3", "psutil", "urllib3", "multiprocessing"} & set(sys.modules)))
        """
    )

    assert ended.stdout == "[]\n"
