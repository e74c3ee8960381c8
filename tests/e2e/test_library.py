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


def test_program_can_pickle_its_own_classes_while_workers_start(script):
    """`__main__` stays the program's own module in every thread, during all of the run."""
    ended = script(
        """
        import pickle
        import sys
        import threading
        import sfr

        sys.setswitchinterval(1e-6)  # seconds

        class Own:
            pass

        count, failures, has_ended = 0, set(), threading.Event()

        def pickle_all_the_time():
            global count
            while not has_ended.is_set():
                try:
                    pickle.loads(pickle.dumps(Own()))
                except (pickle.PicklingError, AttributeError) as error:
                    failures.add(str(error))
                count += 1

        thread = threading.Thread(target=pickle_all_the_time)
        thread.start()
        code = sfr.run("sfr.yaml").exit_code
        has_ended.set()
        thread.join()
        print(code, count > 100, failures or "none")
        """
    )

    assert ended.stdout == "0 True none\n", ended.stderr


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


@pytest.fixture
def two_configurations(org, job):
    """`a.yaml` and `b.yaml`: output, log and secret variable of their own; their runs overlap by a slow check."""
    org.set_rules({"path": "/services/data/*/limits", "action": "delay", "seconds": 1})
    job.for_org(org, "Awkward Cells", "Deals by Stage")
    text = (job.directory / "sfr.yaml").read_text()
    for name in ("a", "b"):
        sid = org.new_sid("browser")
        job.environ[f"SID_{name.upper()}"] = sid
        own = text.replace(f"value: {org.sid}", f"value: ${{SID_{name.upper()}}}").replace("count: 1", "count: 2")
        own += f"output: {{directory: output-{name}}}\nlogging: {{file: {{path: logs/{name}.log}}}}\n"
        (job.directory / f"{name}.yaml").write_text(own)
    return job


def test_runs_at_once_in_threads_of_one_process_do_not_disturb_each_other(two_configurations, script):
    """Each has its reports, its log and its secrets; both use one variable, and it is back after the last one."""
    job = two_configurations
    (job.directory / "b.yaml").write_text((job.directory / "b.yaml").read_text().replace("SID_B", "SID_A"))
    ended = script(
        """
        import os, threading
        import sfr
        results = {}
        before = os.environ["SID_A"]
        def run(name):
            results[name] = sfr.run(f"{name}.yaml")
        threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print([(results[name].exit_code, results[name].saved) for name in "ab"], os.environ["SID_A"] == before)
        for name in "ab": print(results[name].run_id)
        """
    )

    assert ended.code == 0, ended.stderr
    outcome, *run_ids = ended.stdout.splitlines()
    assert outcome == "[(0, 2), (0, 2)] True"
    logs = [(job.directory / "logs" / f"{name}.log").read_text() for name in "ab"]
    for log, own, other in zip(logs, run_ids, reversed(run_ids), strict=True):
        assert own in log
        assert other not in log
        assert job.environ["SID_A"] not in log


def test_runs_at_once_hide_the_secrets_of_all_of_them_from_child_processes(two_configurations, script):
    """A worker of one run never inherits the variable of another."""
    ended = script(
        """
        import os, subprocess, threading
        from pathlib import Path
        import sfr
        threads = [threading.Thread(target=sfr.run, args=(f"{name}.yaml",)) for name in "ab"]
        for thread in threads: thread.start()
        seen = set()
        while any(thread.is_alive() for thread in threads):
            for entry in subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "pid="],
                                        capture_output=True, text=True).stdout.split():
                try:
                    environ, command = (Path(f"/proc/{entry}/{name}").read_bytes() for name in ("environ", "cmdline"))
                except OSError:
                    continue
                if b"multiprocessing" in command:
                    seen.add(b"SID_A=" in environ or b"SID_B=" in environ)
        print(seen)
        """
    )

    assert ended.stdout == "{False}\n", ended.stderr


def test_result_has_the_names_of_the_summary(script, job):
    """The attributes are the summary's columns and the `run` object's keys, with the same values."""
    ended = script(
        """
        import json
        import sfr
        result = sfr.run("sfr.yaml")
        from pathlib import Path
        summary = json.loads(Path("output/summary_report.json").read_text())
        for name, value in summary["run"].items():
            assert getattr(result, name) == value, name
        for stats, row in zip(result.reports, summary["reports"]):
            assert stats.name == stats.report.name == row["file_name"]
            for name, value in row.items():
                assert getattr(stats, name) == value or (name == "message" and not stats.message), name
        print("same")
        """
    )

    assert ended.stdout == "same\n", ended.stderr


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
