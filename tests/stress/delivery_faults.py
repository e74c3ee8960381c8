"""`python -m tests.stress.delivery_faults`: accidents while reports are delivered, and what the destinations then show.

Reports that change before each run go to a folder (the share), S3 (the bucket), SFTP (the partner), DuckDB (the lake)
and PostgreSQL (the warehouse, in its three modes). While they are delivered the run is killed or stopped, or a server
is killed, stopped for a while, reset, locked, or its disk is full. After each accident every destination must show the
whole old or the whole new content, each row once, and the summary must say which; the exit code must be right and the
run over in time. A run with all servers well, mostly `--resume`, must then deliver everything, and leave no temporary
file. Ends with 1 if one is not so.
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from sfr.emulator import Emulator
from tests.sfr_program import start, still_running, temporaries
from tests.stress.delivery_accidents import LATE, SIGNALS, STRIKES, Undo
from tests.stress.delivery_contents import ROWS, Content, change_reports
from tests.stress.delivery_figures import Figures, print_figures
from tests.stress.delivery_scene import Scene, Servers, servers
from tests.stress.fleet_kills import parse_arguments

ACCIDENTS_PER_ROUND = 8
#: Every so many accidents the run that puts everything right is one without `--resume`.
PLAIN_EVERY = 4
#: How often the run after an accident has one, too.
AGAIN = 0.5
#: How long an accident lasts, unless it lasts until the run's end.
LASTS_S = (0.2, 5.0)
UNTIL_THE_END = 0.25
#: Three attempts at seven destinations that wait for each other.
MAX_RUN_S = 120.0
#: The grace is 1 s, threads get 5 s to end, and the machine may be busy.
MAX_END_S = 20.0
ORPHAN_LIMIT_S = 4.0
MAX_PROBLEMS = 20


class Round:
    """One output directory and its destinations, through their accidents."""

    def __init__(self, directory: Path, scene: Scene, org: Emulator, chance: random.Random, figures: Figures) -> None:
        self.scene, self.org, self.chance, self.figures = scene, org, chance, figures
        self.out, self.reports = directory / "out", directory / "reports"
        self.change()
        self.config = scene.configure(directory, org, self.reports, chance.choice((0.1, 2.0)))
        self.shown: dict[tuple[str, str], Content] = scene.now()
        self._window_s = 3.0
        self._what = "begin"

    def change(self) -> None:
        """Let the org hold other reports."""
        self.versions = change_reports(self.org, self.figures.changes)
        self.figures.changes += 1

    def hit(self, kind: str, *arguments: str) -> None:
        """A run with one accident while it delivers; afterwards everything works again."""
        self._what = f"{kind} {' '.join(arguments)}".strip()
        line = self.figures.lines[kind]
        process, date = self._start(*arguments)
        family = self._await_delivering(process, is_resume=bool(arguments))
        struck_clock_s = time.monotonic()
        undo = None if process.poll() is not None else STRIKES[kind](self.scene, process, self.chance)
        if undo is None:
            line.misses += 1
            self._wait(process, MAX_RUN_S)
            self._judge_all(process.returncode, date)
            return
        line.hits += 1
        if kind in LATE:  # the run that has to bear it is the next one
            process.wait()
            self._judge_orphans(family)
            process, date = self._start("--resume")
        self._bear(process, undo, MAX_END_S if kind in SIGNALS else MAX_RUN_S)
        line.longest_end_s = max(line.longest_end_s, time.monotonic() - struck_clock_s)
        line.codes[process.returncode] += 1
        self._judge_orphans(family)
        is_new = self._judge_all(process.returncode, date, kind)
        line.new += sum(is_new.values())
        line.old += len(is_new) - sum(is_new.values())

    def mend(self, *arguments: str) -> None:
        """A run that nothing hits: every destination has to show everything."""
        self._what = f"{self._what}, then {' '.join(arguments) or 'a plain run'}"
        process, date = self._start(*arguments)
        began = time.monotonic()
        if not arguments:
            self._await_first_file(process)
            began = time.monotonic()
        self._wait(process, MAX_RUN_S)
        if not arguments:
            self._window_s = 0.5 * self._window_s + 0.5 * (time.monotonic() - began)
        if process.returncode != 0:
            self._complain([f"ended with {process.returncode}: {self._messages()}"])
        is_new = self._judge_all(process.returncode, date)
        self._complain(f"{place} lacks {name}" for (place, name), new in is_new.items() if not new)
        for name, version in self.versions.items():
            if self._local(name) != version.text:
                self._complain([f"the local file of {name} is not what the org holds"])
        self._complain(f"{left} is left" for left in [*self.scene.left(), *temporaries(self.reports, self.out)])
        self._complain(f"the note {left.name} is left" for left in (self.out / ".sfr").glob("run-*"))
        try:
            self.scene.await_end_of_sessions()
        except AssertionError:
            self._complain(["PostgreSQL still has a session of a run that is over"])

    def _start(self, *arguments: str) -> tuple[subprocess.Popen[bytes], str]:
        """A run, and its date."""
        for path in self.out.glob("summary_report.*"):
            path.unlink()
        self.figures.runs += 1
        self._earlier = {name: self._state(name) for name in ROWS}
        return start(self.config, *arguments), _today()

    def _await_delivering(self, process: subprocess.Popen[bytes], *, is_resume: bool) -> list[psutil.Process]:
        """Until a random moment of the delivering part of a run; returns its workers."""
        if not is_resume:
            self._await_first_file(process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.chance.uniform(0.5 if is_resume else 0.0, self._window_s))
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(process.pid).children(recursive=True)
        return []

    def _await_first_file(self, process: subprocess.Popen[bytes]) -> None:
        pause = threading.Event()
        while process.poll() is None and all(self._state(name) == self._earlier[name] for name in ROWS):
            pause.wait(0.01)

    def _bear(self, process: subprocess.Popen[bytes], undo: Undo, limit_s: float) -> None:
        """Let the run go on with the accident, which ends sooner or later."""
        lasts_s = limit_s if self.chance.random() < UNTIL_THE_END else self.chance.uniform(*LASTS_S)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(lasts_s)
        finally:
            undo()
        self._wait(process, max(1.0, limit_s - lasts_s))

    def _wait(self, process: subprocess.Popen[bytes], limit_s: float) -> None:
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._complain(["the run did not end in time"])
            process.kill()
            process.wait()

    def _judge_orphans(self, family: list[psutil.Process]) -> None:
        for each in still_running(family, ORPHAN_LIMIT_S):
            self._complain([f"process {each.pid} is left"])
            each.kill()

    def _judge_all(self, code: int, date: str, kind: str = "") -> dict[tuple[str, str], bool]:
        """By destination and report, whether it shows the new content; complains about what is neither."""
        found, is_new = self.scene.now(), {}
        dates = {date, _today()}  # a run that is started at midnight may have either
        for (place, name), content in found.items():
            before = self.shown[place, name]
            after = [self.scene.shown[place].after(before, self.versions[name], each) for each in dates]
            is_new[place, name] = content in after
            if content not in (before, *after):
                self._complain([f"{place} shows neither the old nor the new {name}: {_size(before, content, *after)}"])
        has_changed, self.shown = found != self.shown, found
        self.figures.cut_uploads += self.scene.cut_uploads
        self.figures.left_temporaries += len(self.scene.left()) + len(temporaries(self.reports, self.out))
        if code >= 0:
            self._judge_summary(code, kind, is_new, has_changed=has_changed)
        elif kind not in SIGNALS:
            self._complain([f"the run died of signal {-code}"])
        return is_new

    def _judge_summary(self, code: int, kind: str, is_new: dict[tuple[str, str], bool], *, has_changed: bool) -> None:
        """Whether the summary says what is delivered and what is not, and the exit code goes with it."""
        reports = self._told()
        if not reports:
            if code != SIGNALS.get(kind) or has_changed:  # a signal may come before the run has begun
                self._complain([f"exit code {code} without a summary"])
            return
        is_good = all(report["valid"] for report in reports.values()) and len(reports) == len(ROWS)
        if code != (0 if is_good else 4) and code != SIGNALS.get(kind):
            self._complain([f"exit code {code} although {'every' if is_good else 'not every'} report is good"])
        for name, report in reports.items():
            told = {each["destination"]: each for each in report["deliveries"] or ()}
            if report["valid"] and set(told) != set(self.scene.places(name)):
                self._complain([f"{name} is good, but was delivered to {', '.join(told) or 'nothing'} only"])
            for place, each in told.items():
                if each["status"] == "failed" and (not each["message"] or report["error"] != "delivery"):
                    self._complain([f"the summary does not say why {name} did not get to {place}"])
                if each["status"] != "failed" and not is_new[place, name]:
                    self._complain([f"{name} counts as {each['status']} to {place}, which shows another content"])
            if not report["valid"] and report["error"] not in ("delivery", "interrupted"):
                self._complain([f"{name} is {report['status']}/{report['error']}: {report['message']}"])

    def _told(self) -> dict[str, dict[str, Any]]:
        path = self.out / "summary_report.json"
        if not path.exists():
            return {}
        return {report["file_name"]: report for report in json.loads(path.read_text())["reports"]}

    def _messages(self) -> str:
        return " | ".join(report["message"] for report in self._told().values() if report["message"])

    def _local(self, name: str) -> bytes:
        return (self.reports / f"{name}.csv").read_bytes()

    def _state(self, name: str) -> int:
        with contextlib.suppress(FileNotFoundError):
            return (self.reports / f"{name}.csv").stat().st_ino
        return 0

    def _complain(self, problems: Iterable[str]) -> None:
        for each in problems:
            self.figures.problems.append(f"after {self.figures.hits} accidents, {self._what}: {each}")
            print(self.figures.problems[-1], flush=True)


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()


def _size(*contents: Content) -> str:
    """How much each of them is, for a message."""
    return ", ".join(
        f"{len(content):,} rows" if isinstance(content, list) else f"{content!s:.60}" for content in contents
    )


def _go_through(this: Round, figures: Figures, limit: int) -> None:
    this.mend()
    for _ in range(ACCIDENTS_PER_ROUND):
        if figures.hits >= limit or len(figures.problems) >= MAX_PROBLEMS:
            return
        this.change()
        fewest = min(figures.lines[kind].hits for kind in STRIKES)
        this.hit(this.chance.choice([kind for kind in STRIKES if figures.lines[kind].hits <= fewest + 1]))
        if this.chance.random() < AGAIN and figures.hits < limit:
            this.hit(this.chance.choice(list(STRIKES)), "--resume")
        this.mend(*([] if figures.hits % PLAIN_EVERY == 0 else ["--resume"]))
        print(f"{figures.hits} accidents, {len(figures.problems)} problems", flush=True)


def main() -> int:
    """0 if every promise held."""
    arguments = parse_arguments("delivery_faults", __doc__, accidents=150)
    chance, figures, rounds = random.Random(arguments.seed), Figures(), 0
    for number in (signal.SIGINT, signal.SIGTERM):  # either way the servers end, and the figures are printed
        signal.signal(number, signal.default_int_handler)
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="sfr-faults-", ignore_cleanup_errors=True) as place,
        servers(Path(place)) as at,
        Emulator() as org,
    ):
        while figures.hits < arguments.accidents and len(figures.problems) < MAX_PROBLEMS:
            rounds += 1
            _one_round(Path(place, f"round-{rounds}"), at, rounds, org, chance, figures, arguments.accidents)
    return print_figures(figures, rounds, arguments.seed)


def _one_round(
    directory: Path, at: Servers, number: int, org: Emulator, chance: random.Random, figures: Figures, limit: int
) -> None:
    directory.mkdir()
    with Scene(at, number) as scene:
        _go_through(Round(directory, scene, org, chance, figures), figures, limit)


if __name__ == "__main__":
    raise SystemExit(main())
