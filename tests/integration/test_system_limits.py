"""What the system refuses in the middle of a run: memory, processes, threads."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.memory_cgroup import limited
from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT, configure, is_whole, run, summary, temporaries

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")

NAMES = ("Open Pipeline", "Accounts by City", "Awkward Cells")
#: The main process takes a quarter of this, and each worker a tenth.
MEMORY_LIMIT_BYTES = 200_000_000
#: No user has this id, so that a limit on a user's processes counts ours alone.
LONELY_USER = 54_321

#: A worker whose report lies in a directory of this name takes more memory than there is. No report makes SFR do so:
#: its memory does not grow with them.
GREEDY = f"""
import multiprocessing, os
makedirs = os.makedirs
def greedy(name, *rest, **options):
    if os.path.basename(name) == "greedy" and multiprocessing.parent_process() is not None:
        bytearray(2 * {MEMORY_LIMIT_BYTES}).find(1)
    return makedirs(name, *rest, **options)
os.makedirs = greedy
"""


def test_report_fails_alone_when_its_worker_is_killed_for_memory(tmp_path: Path) -> None:
    """Killed by the kernel twice, then given up as `worker`; the main process lives, the others are saved; exit 4."""
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "sitecustomize.py").write_text(GREEDY)
    with limited(MEMORY_LIMIT_BYTES) as cgroup, Emulator() as org:
        if cgroup is None:
            pytest.skip("this user may not make a memory cgroup here")
        inside = (
            "-c",
            f"import os, runpy; open({str(cgroup.directory / 'cgroup.procs')!r}, 'w').write(str(os.getpid()));"
            f" os.environ['PYTHONPATH'] = {str(tmp_path / 'startup')!r};"
            f" runpy.run_path({str(SCRIPT)!r}, run_name='__main__')",
        )
        places = [(name, tmp_path / ("greedy" if name == NAMES[0] else "out")) for name in NAMES]
        code = run(configure(tmp_path, org, places), program=inside)
        killed = cgroup.out_of_memory_kills()
        asked = org.requests.count("export")
    reports = summary(tmp_path / "out" / "summary_report.json")
    assert {name: report["error"] for name, report in reports.items()} == dict(
        zip(NAMES, ("worker", None, None), strict=True)
    )
    assert (code, killed, asked) == (4, 2, len(NAMES))
    assert "out-of-memory" in reports[NAMES[0]]["message"]
    assert all(is_whole(tmp_path / "out" / f"{name}.csv", org) for name in NAMES[1:])
    assert temporaries(tmp_path / "out", tmp_path / "greedy") == []


@pytest.fixture
def lonely_directory() -> Iterator[Path]:
    """A directory that another user can write to."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("prlimit"):
        pytest.skip("needs root, setpriv and prlimit")
    with tempfile.TemporaryDirectory(prefix="sfr-lonely-") as made:
        directory = Path(made)
        directory.chmod(0o777)
        yield directory


@pytest.mark.parametrize("limit", [4, 7])
def test_run_ends_in_order_when_the_system_grants_few_processes_and_threads(lonely_directory: Path, limit: int) -> None:
    """RLIMIT_NPROC counts threads too. With what there is all is saved, or every report is `worker` (5); no crash."""
    directory, rights = lonely_directory, "+dac_override,+dac_read_search"
    with Emulator() as org:
        config = configure(directory, org, [(name, directory / "out") for name in NAMES])
        os.chown(config, LONELY_USER, LONELY_USER)
        limited = (
            "-c",
            "import os, sys; os.execvp('setpriv', ['setpriv',"
            f" '--reuid={LONELY_USER}', '--regid={LONELY_USER}', '--clear-groups',"
            f" '--inh-caps={rights}', '--ambient-caps={rights}',"
            f" 'prlimit', '--nproc={limit}', sys.executable, {str(SCRIPT)!r}, *sys.argv[1:]])",
        )
        code = run(config, program=limited)
        reports = summary(directory / "out" / "summary_report.json")
        assert list(reports) == list(NAMES)
        assert (code, {report["error"] for report in reports.values()}) in [(0, {None}), (5, {"worker"})]
        assert code == 5 or all(is_whole(directory / "out" / f"{name}.csv", org) for name in NAMES)
    assert "Traceback" not in (directory / "sfr.log").read_text()
    assert temporaries(directory / "out") == []
