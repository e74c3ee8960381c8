"""`python -m tests.stress.fleet_kills`: kills fleets and the runs of their orgs at random moments.

In each round a fleet of a few orgs is hit once or twice: the fleet is killed, or stopped by a signal; a run is killed,
or is stopped and goes on; a worker is killed. What was killed is started again with `--resume`, and a last fleet has to
leave every org good. Of each round: every process is gone within its grace, every report file is whole, no org is lost,
and no report is published twice, except one whose record the kill cut off. Ends with 1 if one is not so.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sfr.emulator import Emulator
from tests.fleets import PROGRAM, Fleet
from tests.sfr_program import still_running, temporaries

ORGS = 4
REPORTS = tuple(f"Kills {number}" for number in range(3))
ROWS = (10, 3_000, 30_000)
GRACE_S = 1.0
#: After its grace a run ends within 2 s; the machine may be busy.
MARGIN_S = 4.0
#: From before the check of the configurations to after the summary.
MOMENTS_S = (0.3, 5.0)
MAX_FLEET_S = 120.0
STOP_S = (0.2, 2.0)
KINDS = (
    "kill the fleet",
    "kill a run",
    "kill a run",
    "kill a worker",
    "stop a run for a while",
    "SIGTERM to the fleet",
)


@dataclass
class Figures:
    """What all hits together came to."""

    hits: Counter[str] = field(default_factory=Counter)
    misses: int = 0
    fleets: int = 0
    exports: int = 0
    unrecorded: int = 0
    longest_end_s: float = 0.0
    problems: list[str] = field(default_factory=list)


class Round:
    """One fleet, through its hits."""

    #: Arguments of Python that start SFR.
    program: Sequence[str] = PROGRAM
    #: When it is hit.
    moments_s = MOMENTS_S

    def __init__(self, directory: Path, org: Emulator, chance: random.Random, figures: Figures) -> None:
        self.fleet, self.chance, self.figures = Fleet(directory, org), chance, figures
        for number in range(ORGS):
            self.fleet.add(f"org{number}", *REPORTS, fetch={"attempts": 3, "stop_grace_s": GRACE_S})
        self.fleet.write(at_once=2, attempts=3)

    def hit(self, kind: str, *arguments: str) -> None:
        """Start the fleet and hit it once; afterwards it is over."""
        process = self.fleet.start(*arguments, program=self.program)
        self.figures.fleets += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.chance.uniform(*self.moments_s))
        family = self._family(process)
        if not self._strike(kind, process):
            self.figures.misses += 1
        else:
            self.figures.hits[kind] += 1
        self._wait(process, kind)
        began = time.monotonic()
        left = still_running(family, self._end_limit_s(kind))
        self.figures.longest_end_s = max(self.figures.longest_end_s, time.monotonic() - began)
        self._complain(f"{kind}: process {each.pid} is left" for each in left)
        for each in left:
            each.kill()
        self._judge_files()

    def mend(self) -> None:
        """A fleet that nothing hits: every org has to be good."""
        process = self.fleet.start("--resume", program=self.program)
        self.figures.fleets += 1
        self._wait(process, "mend")
        if process.returncode != 0:
            self._complain([f"the fleet after the hits ended with {process.returncode}"])
        self._judge_files(is_final=True)
        for number in range(ORGS):
            out = self.fleet.out(f"org{number}")
            self._complain(f"{left} is left" for left in temporaries(out))
            with contextlib.closing(sqlite3.connect(out / ".sfr" / "history.sqlite3")) as database:
                saved = Counter(
                    name for (name,) in database.execute("SELECT name FROM reports WHERE status = 'saved'").fetchall()
                )
                again = database.execute("SELECT count(*) FROM reports WHERE status = 'unchanged'").fetchone()[0]
            self.figures.unrecorded += again
            self._complain(
                f"{name} of org{number} was saved {times} times" for name, times in saved.items() if times > 1
            )

    def _end_limit_s(self, kind: str) -> float:
        """What its processes may take to end after the fleet's own end."""
        return GRACE_S + 2 + MARGIN_S if kind == "kill the fleet" else MARGIN_S

    def _strike(self, kind: str, process: subprocess.Popen[str]) -> bool:
        if process.poll() is not None:
            return False
        try:
            if kind == "kill the fleet":
                process.kill()
            elif kind == "SIGTERM to the fleet":
                process.send_signal(signal.SIGTERM)
            else:
                runs = psutil.Process(process.pid).children()
                victim = self.chance.choice(runs)
                if kind == "kill a worker":
                    victim = self.chance.choice([child for child in victim.children() if _is_worker(child)])
                if kind == "stop a run for a while":
                    victim.suspend()
                    time.sleep(self.chance.uniform(*STOP_S))
                    victim.resume()
                else:
                    victim.kill()
        except (IndexError, psutil.Error):
            return False
        return True

    def _family(self, process: subprocess.Popen[str]) -> list[psutil.Process]:
        try:
            return psutil.Process(process.pid).children(recursive=True)
        except psutil.Error:
            return []

    def _wait(self, process: subprocess.Popen[str], what: str) -> None:
        try:
            _, stderr = process.communicate(timeout=MAX_FLEET_S)
        except subprocess.TimeoutExpired:
            self._complain([f"{what}: the fleet hangs"])
            process.kill()
            process.communicate()
            return
        if "Traceback" in stderr:
            self._complain([f"{what}: {stderr[-1500:]}"])

    def _judge_files(self, *, is_final: bool = False) -> None:
        for number in range(ORGS):
            for name in REPORTS:
                path = self.fleet.out(f"org{number}") / f"{name}.csv"
                if not path.exists():
                    self._complain([f"{name} of org{number} is missing"] if is_final else [])
                elif hashlib.sha256(path.read_bytes()).hexdigest() != DIGESTS[name]:
                    self._complain([f"{name} of org{number} is torn"])

    def _complain(self, problems: object) -> None:
        self.figures.problems += [f"after {sum(self.figures.hits.values())} hits: {each}" for each in problems]


#: Name → SHA-256 of the whole file.
DIGESTS: dict[str, str] = {}


def add_reports(org: Emulator) -> None:
    """Add the reports, and know what their files have to be."""
    for name, rows in zip(REPORTS, ROWS, strict=True):
        org.add_report(name, rows=rows)
        DIGESTS[name] = hashlib.sha256(b"".join(org.expected_csv(name))).hexdigest()


def _is_worker(process: psutil.Process) -> bool:
    """False for multiprocessing's resource tracker, about whose death Python itself complains."""
    return any("spawn_main" in part for part in process.cmdline())


def main() -> int:
    """0 if every promise held."""
    arguments = parse_arguments("fleet_kills", __doc__, hits=300)
    with Emulator({"rules": [{"report": "Kills*", "action": "answer", "delay_s": 0.2}]}) as org:
        return hit_fleets(Round, KINDS, org, arguments)


def hit_fleets(
    new_round: Callable[[Path, Emulator, random.Random, Figures], Round],
    kinds: Sequence[str],
    org: Emulator,
    arguments: argparse.Namespace,
) -> int:
    """Round after round until the hits are done, or many promises broken; 0 if every one held."""
    chance, figures, rounds = random.Random(arguments.seed), Figures(), 0
    add_reports(org)
    with contextlib.suppress(KeyboardInterrupt):
        while sum(figures.hits.values()) < arguments.hits and len(figures.problems) < 20:
            with tempfile.TemporaryDirectory(prefix="sfr-fleet-kills-") as directory:
                this = new_round(Path(directory), org, chance, figures)
                for number in range(chance.choice((1, 2, 3))):
                    this.hit(chance.choice(kinds), *(["--resume"] if number else []))
                this.mend()
            figures.exports += len(org.requests.records("export"))
            org.requests.clear()
            rounds += 1
            print(f"{rounds} rounds, {dict(figures.hits)}, problems: {figures.problems}", flush=True)
    return report(figures, rounds, arguments.seed)


def parse_arguments(script: str, description: str | None, **number: int) -> argparse.Namespace:
    """How many of what, such as `hits=300` for the option `--hits`; and the seed."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.stress.{script}", description=description)
    for what, default in number.items():
        parser.add_argument(f"--{what}", type=int, default=default, help="in all rounds together; default %(default)s")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the moments; default: the time")
    return parser.parse_args()


def report(figures: Figures, rounds: int, seed: int) -> int:
    """Print what all hits came to; 0 if every promise held."""
    print(f"seed {seed}: {sum(figures.hits.values())} hits in {rounds} rounds, {figures.fleets} fleets")
    print(
        ", ".join(f"{kind}: {number}" for kind, number in sorted(figures.hits.items())), f"; missed: {figures.misses}"
    )
    print(f"last process gone {figures.longest_end_s:.1f} s after the end of its fleet, at most")
    needed = rounds * ORGS * len(REPORTS)
    print(f"{figures.exports} exports for {needed} files; {figures.unrecorded} whole files fetched again, unchanged")
    print("\n".join(figures.problems) or "every promise held")
    return 1 if figures.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
