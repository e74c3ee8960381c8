"""`python -m tests.stress.main_kills`: kills the main process at random moments and checks what each kill leaves.

Two runs in a row are killed, the second one begun with `--resume`; then a third, now and then without `--resume`, has
to mend everything. After each kill the workers must be gone within two seconds, every file must be whole, the old one
or the new one, and no summary may tell of an end that was none. The run after a kill must fetch what the history does
not have as brought, and nothing else; the last one must leave every file right and no temporary file. Ends with 1 if
one is not so.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sfr.emulator import Emulator
from tests.sfr_program import configure, start, still_running, summary, temporaries

#: Rows of the reports, so that bodies travel in memory and by spool file.
ROWS = (10, 500, 3_000, 12_000, 30_000) * 3
OLD = b"of an earlier run\n"
#: How long a run may live before it is killed: from before its lock to after its summary.
MOMENTS_S = (0.1, 5.0)
ORPHAN_LIMIT_S = 2.0
#: A run that takes longer hangs.
MAX_RUN_S = 90.0
#: Every so many rounds the last run is one without `--resume`.
PLAIN_EVERY = 4


@dataclass
class Figures:
    """What all kills together came to."""

    kills: int = 0
    early_ends: int = 0
    longest_orphan_s: float = 0.0
    left_temporaries: int = 0
    left_notes: int = 0
    resumed: int = 0
    asked: int = 0
    whole_but_asked: int = 0
    problems: list[str] = field(default_factory=list)


class Round:
    """One output directory, through its kills."""

    def __init__(self, directory: Path, org: Emulator, digests: dict[str, str], figures: Figures) -> None:
        self.org, self.digests, self.figures = org, digests, figures
        self.out = directory / "out"
        self.out.mkdir()
        for name in digests:
            (self.out / f"{name}.csv").write_bytes(OLD)
        self.config = configure(directory, org, [(name, self.out) for name in digests])

    def kill_one(self, moment_s: float, *arguments: str) -> bool:
        """Kill a run after this time; False if it had ended by then."""
        known, had_summary = self._brought(), (self.out / "summary_report.json").exists()
        self.org.requests.clear()
        process = start(self.config, *arguments)
        main_process = psutil.Process(process.pid)
        try:
            process.wait(moment_s)
        except subprocess.TimeoutExpired:
            pass
        else:
            self.figures.early_ends += 1
            self._judge_fetches(known, is_resume="--resume" in arguments, has_ended=True)
            return False
        main_process.suspend()  # so that no worker is born while they are listed
        family = main_process.children(recursive=True)
        main_process.send_signal(signal.SIGKILL)
        killed_clock_s = time.monotonic()
        process.wait()
        alive = still_running(family, ORPHAN_LIMIT_S)
        self.figures.longest_orphan_s = max(self.figures.longest_orphan_s, time.monotonic() - killed_clock_s)
        self.figures.kills += 1
        self._complain(_outliving(orphan, killed_clock_s) for orphan in alive)
        self._judge_leftovers(had_summary=had_summary)
        self._judge_fetches(known, is_resume="--resume" in arguments, has_ended=False)
        return True

    def mend(self, *arguments: str) -> None:
        """A run that is not killed: it has to leave everything right."""
        known = self._brought()
        self.org.requests.clear()
        process = start(self.config, *arguments)
        try:
            code = process.wait(MAX_RUN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self._complain(["the run after the kills did not end"])
            return
        if code != 0:
            self._complain([f"the run after the kills ended with {code}"])
        self._judge_fetches(known, is_resume="--resume" in arguments, has_ended=True)
        reports = summary(self.out / "summary_report.json")
        self._complain(f"{name} is not in the summary" for name in self.digests if name not in reports)
        for name, report in reports.items():
            if not report["valid"] or report["sha256"] != self.digests[name] or self._digest(name) != report["sha256"]:
                self._complain([f"{name} ended as {report['status']}/{report['error']}, or is not whole"])
        self._complain(f"{left.name} is left" for left in temporaries(self.out))
        self._complain(f"the note {left.name} is left" for left in (self.out / ".sfr").glob("run-*"))

    def _judge_leftovers(self, *, had_summary: bool) -> None:
        for name, digest in self.digests.items():
            content = (self.out / f"{name}.csv").read_bytes()
            if content != OLD and hashlib.sha256(content).hexdigest() != digest:
                self._complain([f"{name} is torn"])
        path = self.out / "summary_report.json"
        if path.exists():
            try:
                told = json.loads(path.read_text())
            except ValueError:
                self._complain(["the summary is torn"])
            else:
                if not had_summary and len(told["reports"]) != len(self.digests):
                    self._complain(["the summary tells of an end that was none"])
        self.figures.left_temporaries += len(temporaries(self.out))
        self.figures.left_notes += len(list((self.out / ".sfr").glob("run-*")))

    def _judge_fetches(self, known: set[str], *, is_resume: bool, has_ended: bool) -> None:
        """Whether the run requested what was missing when it began, and nothing else."""
        names = {self.org.report(name).id[:15]: name for name in self.digests}
        asked = [names[record.report_id] for record in self.org.requests.records("export") if record.report_id]
        missing = set(self.digests) - known if is_resume else set(self.digests)
        self.figures.resumed += is_resume
        self.figures.asked += len(asked)
        self._complain(f"{name} was asked for although it was there" for name in set(asked) - missing)
        if has_ended:
            self._complain(f"{name} was not asked for" for name in missing - set(asked))
            if len(asked) != len(set(asked)):
                self._complain(["a report was asked for twice"])

    def _brought(self) -> set[str]:
        """What the history has as brought by the latest run that had it; counts whole files that it does not have."""
        path = self.out / ".sfr" / "history.sqlite3"
        brought: set[str] = set()
        if path.exists():
            with contextlib.closing(sqlite3.connect(path, timeout=5)) as database:
                try:
                    rows = database.execute("SELECT name, status, max(run) FROM reports GROUP BY name").fetchall()
                except sqlite3.OperationalError:  # killed before the tables were made
                    rows = []
            brought = {name for name, status, _ in rows if status in ("saved", "unchanged", "skipped")}
        for name in self.digests:
            is_whole = self._digest(name) == self.digests[name]
            if name in brought and not is_whole:
                self._complain([f"the history has {name}, the disk has not"])
            self.figures.whole_but_asked += is_whole and name not in brought
        return brought

    def _digest(self, name: str) -> str:
        return hashlib.sha256((self.out / f"{name}.csv").read_bytes()).hexdigest()

    def _complain(self, problems: object) -> None:
        self.figures.problems += [f"after {self.figures.kills} kills: {problem}" for problem in problems]


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.main_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="in all rounds together; default %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the moments; default: the time")
    arguments = parser.parse_args()
    chance, figures, rounds = random.Random(arguments.seed), Figures(), 0
    with Emulator({"rules": [{"report": "Kills*", "action": "answer", "delay_s": 0.1}]}) as org:
        digests = _add_reports(org)
        while figures.kills < arguments.kills and len(figures.problems) < 20:
            with tempfile.TemporaryDirectory(prefix="sfr-kills-") as directory:
                this = Round(Path(directory), org, digests, figures)
                if this.kill_one(chance.uniform(*MOMENTS_S)) and figures.kills < arguments.kills:
                    this.kill_one(chance.uniform(*MOMENTS_S), "--resume")
                rounds += 1
                this.mend(*(["--resume"] if rounds % PLAIN_EVERY else []))
    print(
        f"seed {arguments.seed}: {figures.kills} kills in {rounds} rounds; {figures.early_ends} runs were over before"
    )
    print(f"last worker gone {figures.longest_orphan_s:.2f} s after the kill, at most")
    print(f"left by kills and swept: {figures.left_temporaries} temporary files, {figures.left_notes} notes")
    print(
        f"{figures.resumed} runs with --resume; {figures.asked} downloads; {figures.whole_but_asked} whole files that "
        "the history did not have"
    )
    print("\n".join(figures.problems) or "every promise held")
    return 1 if figures.problems else 0


def _outliving(orphan: psutil.Process, killed_clock_s: float) -> str:
    """What to say of a process that is there too long: how long it lives, and what of that time it was given to run."""
    used_s = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        used = orphan.cpu_times()
        used_s = used.user + used.system
    if still_running([orphan], MAX_RUN_S):
        orphan.kill()
        return f"process {orphan.pid} never ends after the main process"
    lived_s = time.monotonic() - killed_clock_s
    return f"process {orphan.pid} lives {lived_s:.1f} s after the main process ({used_s:.2f} s of CPU in its life)"


def _add_reports(org: Emulator) -> dict[str, str]:
    """Name → SHA-256 of the file that it has to become."""
    digests = {}
    for number, rows in enumerate(ROWS):
        name = f"Kills {number:02}"
        org.add_report(name, rows=rows)
        digests[name] = hashlib.sha256(b"".join(org.expected_csv(name))).hexdigest()
    return digests


if __name__ == "__main__":
    raise SystemExit(main())
