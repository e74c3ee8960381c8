"""Fleets of tests: orgs that are configurations for one emulated org, and `sfr fleet` as a program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

from sfr.emulator import Emulator

CHECKOUT = Path(__file__).parents[1]
LIMIT_S = 90
#: Arguments of Python that start SFR.
PROGRAM = (str(CHECKOUT / "sfr.py"),)
#: The program with other limits, as `MODULE.NAME=SECONDS`.
IMPATIENT = (
    "-c",
    f"import importlib, sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
    "while '=' in sys.argv[1]:\n"
    "    place, _, value = sys.argv.pop(1).partition('=')\n"
    "    module, _, name = place.rpartition('.')\n"
    "    setattr(importlib.import_module('sfr.' + module), name, float(value))\n"
    "from sfr.cli import main\n"
    "sys.exit(main(sys.argv[1:]))",
)


def impatient(**limits: float) -> tuple[str, ...]:
    """Arguments of Python that start SFR with other limits: `fleet__dask_cluster__CONNECT_LIMIT_S=1`."""
    return (*IMPATIENT, *(f"{place.replace('__', '.')}={value}" for place, value in limits.items()))


class Fleet:
    """A fleet in a directory of its own."""

    def __init__(self, directory: Path, org: Emulator) -> None:
        self.directory = directory
        self.org = org
        self.output = directory / "fleet"
        self.orgs: list[dict[str, Any]] = []
        self.process: subprocess.Popen[str] | None = None

    def add(self, name: str, *reports: str, domain: str | None = None, **sections: Any) -> Path:
        """Add an org with these reports; `sections` replace parts of its configuration."""
        items = [
            {"report_type": "SFDC", "report_file_name": report, "report_id": self.org.report(report).id}
            for report in reports or ("Deals by Stage",)
        ]
        config: dict[str, Any] = {
            "salesforce": {"domain": domain or self.org.url, "auth": {"sid": {"value": self.org.sid}}},
            "reports": {"list": None, "items": items},
            "output": {"directory": str(self.out(name))},
            "logging": {"file": {"path": str(self.directory / "logs" / f"{name}.log")}},
            "workers": {"count": 1},
            "summary": [{"format": "json"}],  # the page takes a tenth of a short run
        }
        for section, values in sections.items():
            config[section] = {**config.get(section, {}), **values} if isinstance(values, Mapping) else values
        config["fetch"] = {
            "attempts": 1,
            "connect_timeout_s": 2,
            "backoff": {"first_s": 0.01, "max_s": 0.02},
            "stop_grace_s": 1,
            **config.get("fetch", {}),
        }
        path = self.directory / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        self.orgs.append({"name": name, "config": str(path)})
        return path

    def out(self, name: str) -> Path:
        """The output directory of an org."""
        return self.directory / "out" / name

    def write(self, **options: Any) -> Path:
        """Write `fleet.yaml`."""
        path = self.directory / "fleet.yaml"
        path.write_text(yaml.safe_dump({"orgs": self.orgs, "output": str(self.output), **options}))
        return path

    def start(
        self, *arguments: str, environ: Mapping[str, str] | None = None, program: Sequence[str] = PROGRAM
    ) -> subprocess.Popen[str]:
        """Start `sfr fleet fleet.yaml`."""
        if not (self.directory / "fleet.yaml").exists():
            self.write()
        self.process = subprocess.Popen(
            [sys.executable, *program, "fleet", "fleet.yaml", *arguments],
            cwd=self.directory,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self.process

    def run(
        self, *arguments: str, environ: Mapping[str, str] | None = None, program: Sequence[str] = PROGRAM
    ) -> tuple[int, str, str]:
        """Run it to its end; exit code, standard output and standard error."""
        process = self.start(*arguments, environ=environ, program=program)
        stdout, stderr = self.end()
        assert "Traceback" not in stderr, stderr
        assert self.org.sid not in stdout + stderr
        return process.returncode, stdout, stderr

    def end(self, limit_s: float = LIMIT_S) -> tuple[str, str]:
        """What the started program prints until it ends; one that hangs fails the test with all its stacks."""
        assert self.process is not None
        try:
            return self.process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            fleet = psutil.Process(self.process.pid)
            family = [*fleet.children(), fleet]  # the runs of orgs first: the fleet passes on what they print
            for process in family:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGABRT)
                    process.wait(5)
            raise AssertionError(
                f"{family} did not end in {limit_s} s:\n{self.process.communicate(timeout=limit_s)[1]}"
            ) from None

    def summary(self) -> dict[str, Any]:
        """The JSON summary."""
        found: dict[str, Any] = json.loads((self.output / "summary.json").read_text())
        return found

    def rows(self) -> dict[str, dict[str, Any]]:
        """The summary's orgs by name."""
        return {org["name"]: org for org in self.summary()["orgs"]}

    def codes(self) -> Sequence[int | None]:
        """The exit codes in list order."""
        return [org["exit_code"] for org in self.summary()["orgs"]]

    def record(self, name: str) -> dict[str, Any]:
        """The record of an org."""
        found: dict[str, Any] = json.loads((self.output / "orgs" / f"{name}.json").read_text())
        return found

    def close(self) -> None:
        """End what a failed test left running."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()
            self.process.wait()
