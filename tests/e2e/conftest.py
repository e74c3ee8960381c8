"""The program as a user has it: a process in a directory of its own, against an embedded org."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from sfr.cli import main
from sfr.emulator import Emulator
from tests import ports

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90
#: Waits that the contract counts in seconds, short enough for tests.
FAST = {"attempts": 2, "backoff": {"first_s": 0.01, "max_s": 0.02}, "connect_timeout_s": 5}
#: The page is made by Jinja, which takes a tenth of a short run; `summary=None` leaves SFR its default.
JSON_ONLY = ({"format": "json"},)
CREDENTIALS = ("password", "security_token", "client_secret", "refresh_token", "sid")


@dataclass(frozen=True)
class Ended:
    """How the program ended."""

    code: int
    stdout: str
    stderr: str


class Started:
    """The program while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> Ended:
        """Wait for the end."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE_S)
        return Ended(self.process.returncode, stdout, stderr)


class Job:
    """A configuration in a directory that is no checkout, and the runs of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output = directory / "output"
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SFDC_", "SFR_")) and not name.lower().endswith("_proxy")
        }
        self._started: list[subprocess.Popen[str]] = []

    def configure(
        self,
        domain: str,
        auth: Mapping[str, Any],
        reports: Sequence[Mapping[str, Any]],
        *,
        route: str = "classic",
        ca_bundle: str | None = None,
        fetch: Mapping[str, Any] | None = None,
        summary: Sequence[Mapping[str, Any]] | None = JSON_ONLY,
        **sections: Any,
    ) -> None:
        """Write `sfr.yaml`."""
        if summary is not None:
            sections["summary"] = [dict(target) for target in summary]
        config = {
            "salesforce": {"domain": domain, "route": route, "auth": dict(auth), "ca_bundle": ca_bundle},
            "reports": {"list": None, "items": [dict(report) for report in reports]},
            "fetch": {**FAST, **(fetch or {})},
            "workers": {"count": 1},
            **sections,
        }
        path = self.directory / "sfr.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        path.chmod(0o600)

    def for_org(self, org: Emulator, *names: str, **options: Any) -> None:
        """Configure reports of an org by name; without names, all. The session id is the log-in method."""
        entries = [org.report(name) for name in names] or org.reports
        auth = options.pop("auth", {"sid": {"value": org.sid}})
        self.configure(org.url, auth, [row(entry.name, entry.id) for entry in entries], **options)

    def replace_domain(self, domain: str) -> None:
        """Request another address than the configured org's."""
        path = self.directory / "sfr.yaml"
        config = yaml.safe_load(path.read_text())
        config["salesforce"]["domain"] = domain
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [sys.executable, str(CHECKOUT / "sfr.py"), "--config", "sfr.yaml", *arguments]

    def run(self, *arguments: str) -> Ended:
        """Run the program to its end; it never shows a traceback or a secret."""
        ended = self.start(*arguments).end()
        self.assert_clean(ended)
        return ended

    def run_here(self, *arguments: str) -> Ended:
        """Run the program in this process, in half the time: for what does not concern process, streams or signals."""
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
            tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
        ):
            with (
                contextlib.chdir(self.directory),
                mock.patch.dict(os.environ, self.environ, clear=True),
                contextlib.redirect_stdout(stdout),
                contextlib.redirect_stderr(stderr),
            ):
                try:
                    code = main(["--config", "sfr.yaml", *arguments])
                except SystemExit as ended_by_usage:
                    code = int(str(ended_by_usage.code))
            texts = []
            for stream in (stdout, stderr):
                stream.seek(0)
                texts.append(stream.read())
        ended = Ended(code, *texts)
        self.assert_clean(ended)
        return ended

    def start(self, *arguments: str) -> Started:
        """Start the program."""
        return self.start_command(self.command(*arguments))

    def start_command(self, command: Sequence[str]) -> Started:
        """Start a program in the job's directory."""
        process = subprocess.Popen(
            command,
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._started.append(process)
        return Started(process)

    def assert_clean(self, ended: Ended) -> None:
        """No traceback, and no credential of the embedded org in anything that the program wrote."""
        texts = {"stdout": ended.stdout, "stderr": ended.stderr}
        for path in (self.directory / "logs").glob("*"):
            texts[path.name] = path.read_text()
        for path in self.output.glob("summary_report.*"):
            texts[path.name] = path.read_text()
        for name, text in texts.items():
            assert "Traceback" not in text, text
            for secret in CREDENTIALS:
                assert getattr(_credentials(), secret) not in text, f"{secret} in {name}"

    def summary(self) -> dict[str, Any]:
        """The JSON summary."""
        found: dict[str, Any] = json.loads((self.output / "summary_report.json").read_text())
        return found

    def reports(self) -> dict[str, dict[str, Any]]:
        """The summary's reports by name."""
        return {report["file_name"]: report for report in self.summary()["reports"]}

    def errors(self) -> set[str | None]:
        """The errors in the summary."""
        return {report["error"] for report in self.summary()["reports"]}

    def csv_summary(self) -> list[dict[str, str]]:
        """The CSV summary's rows."""
        with (self.output / "summary_report.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def file(self, name: str) -> Path:
        """Where a report lies."""
        return self.output / f"{name}.csv"

    def log_text(self) -> str:
        """The log file's text; empty while there is none."""
        path = self.directory / "logs" / "sfr.log"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()


def row(name: str, report_id: str, **columns: Any) -> dict[str, Any]:
    """A report as `reports.items` has it."""
    return {"report_type": "SFDC", "report_file_name": name, "report_id": report_id, **columns}


def _credentials() -> Any:
    from sfr.emulator.log_in.credentials import Credentials

    return Credentials()


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that works."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A job in a fresh directory."""
    made = Job(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def new_job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Job]]:
    """Makes jobs, each in a directory of its own, that a whole module looks at."""
    made: list[Job] = []

    def make(name: str) -> Job:
        made.append(Job(tmp_path_factory.mktemp(name)))
        return made[-1]

    yield make
    for job in made:
        job.close()


@pytest.fixture
def expected(org: Emulator) -> Any:
    """The bytes that a report's file must hold, by the report's name."""
    return lambda name: b"".join(org.expected_csv(name))


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return ports.free_port()


@pytest.fixture
def consenting_browser(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes a program for BROWSER that consents to whatever it is shown."""

    def make() -> str:
        path = tmp_path_factory.mktemp("browser") / "browser"
        script = CHECKOUT / "tests" / "consenting_browser.py"
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$1"\n')
        path.chmod(0o700)
        return str(path)

    return make
