"""One run of the program for one report, with its requests, seconds and peak memory. Compares nothing."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT

LOOK_EVERY_S = 0.2
#: A run that takes longer hangs.
MAX_RUN_S = 3_600.0
MIB = 1_048_576


@dataclass(frozen=True)
class MeasuredRun:
    """What a run came to. told: the report's row of the summary."""

    path: Path
    exit_code: int
    seconds: float
    peak_pss_bytes: int
    requests: Counter[str]
    told: Mapping[str, Any]

    def line(self, what: str) -> str:
        """The figures as a line under `HEAD`."""
        return f"{what:16}{self.seconds:9.1f}{self.peak_pss_bytes / MIB:7.1f} MB  {dict(self.requests)}"


HEAD = f"{'':16}{'seconds':>9}{'peak PSS':>10}  requests"


def measured_run(
    directory: Path, org: Emulator, report: Mapping[str, Any], route: str = "auto", **sections: Any
) -> MeasuredRun:
    """Run the program in a new directory; the org must not be in its process tree.

    report: as in `reports.items`. sections: more of the configuration.
    """
    directory.mkdir()
    config = {
        "salesforce": {"domain": org.url, "route": route, "auth": {"sid": {"value": org.new_sid("browser")}}},
        "reports": {"list": None, "items": [dict(report)]},
        "fetch": {"timeout_s": MAX_RUN_S},
        "workers": {"count": 1},
        **sections,
    }
    (directory / "sfr.yaml").write_text(yaml.safe_dump(config))
    (directory / "sfr.yaml").chmod(0o600)
    org.requests.clear()
    begun_clock_s = time.monotonic()
    command = [sys.executable, str(SCRIPT), "--config", "sfr.yaml"]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        peak_bytes = max(_pss_until_end(program, begun_clock_s + MAX_RUN_S), default=0)
    seconds = time.monotonic() - begun_clock_s
    (told,) = json.loads((directory / "output" / "summary_report.json").read_text())["reports"]
    requests = Counter(record.route for record in org.requests.records())
    return MeasuredRun(Path(told["path"]), program.returncode, seconds, peak_bytes, requests, told)


def _pss_until_end(program: subprocess.Popen[bytes], end_clock_s: float) -> Iterator[int]:
    """PSS of the program and its children, bytes, again and again while it runs."""
    main_process = psutil.Process(program.pid)
    while program.poll() is None:
        if time.monotonic() > end_clock_s:
            program.kill()
        found = 0
        with contextlib.suppress(psutil.Error):
            for process in (main_process, *main_process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    found += process.memory_full_info().pss
        yield found
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(LOOK_EVERY_S)
