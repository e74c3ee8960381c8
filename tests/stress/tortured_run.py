"""One run of `python sfr.py` that has to bear one fault, and what it did to its files, for `write_torture`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT, configure

OLD = b'"Id"\n"old"\n'
#: Rows of the reports; those that are `PLAIN` come without gzip. In memory and spooled, of each kind.
ROWS = {"Small gzip": 40, "Small plain": 30, "Large gzip": 14_000, "Large plain": 1_700, "Same": 1_700}
PLAIN = ("Small plain", "Large plain")
UNCHANGED = "Same"
#: What writes, and what is read back.
CALLS = (
    *("openat", "mkdir", "write", "pwrite64", "fsync", "fdatasync", "fallocate", "ftruncate", "fchmod"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "close", "read", "pread64", "sendfile"),
    "copy_file_range",
)
KILL = "signal=SIGKILL"
#: A traced run that takes longer hangs.
MAX_RUN_S = 120.0
ENTRY = re.compile(r"^(\d+) +(\w+)\((.*)")
#: `python sfr.py`, but for chance and time in the names of temporary files.
WITH_SAME_NAMES = f"""
import datetime, runpy, types, sfr.runner.pipeline
class Fixed(datetime.datetime):
    def __format__(self, form):
        return "run" if form == "%Y%m%dT%H%M%S" else super().__format__(form)
sfr.runner.pipeline.datetime, sfr.runner.pipeline.secrets = Fixed, types.SimpleNamespace(token_hex=lambda size: "0")
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
#: For every process of the run, workers too.
COUNTED_NAMES = """
import itertools
import sfr.storage.trusted
_numbers = itertools.count()
sfr.storage.trusted.random_part = lambda: str(next(_numbers))
"""
SHORT_WRITES = """
import os, random, stat
_write, _chance = os.write, random.Random(int(os.environ["SHORT_WRITES_SEED"]))
def write(descriptor, block):
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        block = memoryview(block)[: _chance.choice((1, 7, 4096, 65536))]
    return _write(descriptor, block)
os.write = write
"""


@dataclass(frozen=True)
class Fault:
    """What one run has to bear."""

    #: `error=EIO` …, or `limit` or `short`.
    kind: str
    call: str = ""
    #: Which call of that name of any one thread on `path`; for `limit` bytes, for `short` the seed.
    number: int = 0
    #: Below the tree.
    path: str = ""

    def __str__(self) -> str:
        return f"{self.call or self.kind} {self.kind.partition('=')[2]} {self.number} {self.path}"


@dataclass(frozen=True)
class Scene:
    """One directory, set up anew for each fault."""

    root: Path
    org: Emulator
    new: dict[str, bytes]

    @property
    def tree(self) -> Path:
        """All that runs write lies below."""
        return self.root / "tree"

    def file(self, name: str) -> Path:
        """Where the report is saved: in two directories."""
        return self.tree / ("out" if name.startswith("Small") else "elsewhere") / f"{name}.csv"

    def set_up(self) -> Path:
        """Old files in place; returns the configuration."""
        shutil.rmtree(self.tree, ignore_errors=True)
        for name in self.new:
            self.file(name).parent.mkdir(parents=True, exist_ok=True)
            self.file(name).write_bytes(self.new[name] if name == UNCHANGED else OLD)
        return configure(
            self.tree,
            self.org,
            [(name, self.file(name).parent) for name in self.new],
            fetch={"threads": 1, "attempts": 3, "backoff": {"first_s": 0.05, "max_s": 0.1}},
            workers={"count": 1},
            logging={"file": {"path": str(self.tree / "sfr.log"), "level": "WARNING"}},
        )

    def run(self, config: Path, fault: Fault | None, *, is_traced: bool = False) -> int:
        """Run the program with the fault; its exit code. Raises `TimeoutExpired` if it hangs."""
        environ = {**os.environ, "PYTHONPATH": str(SCRIPT.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, str(SCRIPT), "--config", str(config)]
        if is_traced:
            (self.root / "sitecustomize.py").write_text(COUNTED_NAMES)
            environ["PYTHONPATH"] = f"{self.root}:{SCRIPT.parent}"
            command = [*self._tracer(fault), sys.executable, "-c", WITH_SAME_NAMES, "--config", str(config)]
        elif fault is not None and fault.kind == "limit":
            command = ["prlimit", f"--fsize={fault.number}", *command]
        elif fault is not None:
            (self.root / "sitecustomize.py").write_text(SHORT_WRITES)
            environ |= {"PYTHONPATH": f"{self.root}:{SCRIPT.parent}", "SHORT_WRITES_SEED": str(fault.number)}
        with (self.root / "stderr").open("wb") as stderr:
            # Not run from the tree: a relative path in the trace would seem to lie in it.
            process = subprocess.Popen(
                command, cwd="/", env=environ, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
            )
            try:
                return process.wait(MAX_RUN_S)
            finally:
                with suppress(ProcessLookupError):  # of a run that hangs, the program too, which outlives its tracer
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _tracer(self, fault: Fault | None) -> list[str]:
        command = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(self.root / "trace")]
        command += ["-e", f"trace={','.join(f'?{call}' for call in CALLS)}"]
        if fault is None or fault.kind != KILL:
            command.append("--seccomp-bpf")  # several times as fast, but the kernel then drops injected signals
        if fault is None:
            return command
        path = str(self.tree / fault.path)
        return [*command, "-P", path, "-e", f"inject={fault.call}:{fault.kind}:when={fault.number}"]

    def calls(self) -> Iterator[tuple[str, str, list[str]]]:
        """Of the trace: thread, call, the files below the tree that it was about."""
        below = re.compile(re.escape(str(self.tree)) + r"/?([^\"<>]*)")
        for line in (self.root / "trace").read_text(errors="replace").splitlines():
            if found := ENTRY.match(line):
                yield found[1], found[2], below.findall(found[3].rpartition(") = ")[0] or found[3])
