"""Another user of the machine, in directories that its group may write to: nothing it does harms a run.

SFR runs as root here and the other user is an ordinary one; that takes root, else the tests are skipped.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sfr.emulator import Emulator
from tests.sfr_program import LIMIT_S, SCRIPT, configure, is_whole, summary

OTHER_UID, GROUP = 65534, 65533
OLD = b"a secret of SFR's user\n"
REPORT = "Awkward Cells"

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to be two users at once"
)


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that answers well."""
    with Emulator() as running:
        yield running


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The output directory, which a group may write to: `chmod 2770`."""
    for above in (tmp_path, *tmp_path.parents):
        if not above.stat().st_mode & stat.S_IXOTH:
            above.chmod(stat.S_IMODE(above.stat().st_mode) | stat.S_IXOTH)
    out = tmp_path / "out"
    out.mkdir()
    os.chown(out, 0, GROUP)
    out.chmod(0o2770)
    return out


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A private file of SFR's user."""
    path = tmp_path / "token"
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path


def as_other_user(act: Callable[[], object]) -> None:
    """Do it as the other user, in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([GROUP])
            os.setgid(GROUP)
            os.setuid(OTHER_UID)
            act()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def run(config: Path, *, umask: int = 0o022) -> tuple[int, str]:
    """The program's exit code and what it wrote to stderr."""
    command = [sys.executable, str(SCRIPT), "--config", str(config)]
    ended = subprocess.run(
        command, cwd=config.parent, capture_output=True, text=True, timeout=LIMIT_S, check=False, umask=umask
    )
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def own_state_directory(out: Path) -> Path:
    """`.sfr` as an earlier version or `chmod -R g+w` left it: the group may write to it."""
    state = out / ".sfr"
    state.mkdir()
    os.chown(state, 0, GROUP)
    state.chmod(0o2770)
    return state


def test_run_refuses_a_state_directory_of_another_user(tmp_path: Path, org: Emulator, shared: Path) -> None:
    """Every report is `disk`, exit 5; the message names the owner, and says nothing about space."""
    as_other_user(lambda: (shared / ".sfr").mkdir())
    code, _ = run(configure(tmp_path, org, [(REPORT, tmp_path / "reports")]))
    message = summary(shared / "summary_report.json")[REPORT]["message"]
    assert code == 5
    assert f"uid {OTHER_UID}" in message
    assert "space" not in message
    assert os.listdir(shared / ".sfr") == []
    assert org.requests.records() == ()


def test_run_refuses_a_state_directory_that_is_a_link(tmp_path: Path, org: Emulator, shared: Path) -> None:
    """What it leads to stays as it was."""
    (tmp_path / "private").mkdir(mode=0o700)
    as_other_user(lambda: (shared / ".sfr").symlink_to(tmp_path / "private"))
    code, _ = run(configure(tmp_path, org, [(REPORT, tmp_path / "reports")]))
    assert code == 5
    assert "symbolic link" in summary(shared / "summary_report.json")[REPORT]["message"]
    assert os.listdir(tmp_path / "private") == []


def test_run_takes_its_state_directory_back_from_the_group(tmp_path: Path, org: Emulator, shared: Path) -> None:
    """It loses the group's permission to write; what is in it is looked at like any file that is found."""
    state = own_state_directory(shared)
    assert run(configure(tmp_path, org, [(REPORT, shared)]))[0] == 0
    assert stat.S_IMODE(state.stat().st_mode) & 0o777 == 0o750


@pytest.mark.parametrize("planted", ["symbolic link", "hard link", "named pipe", "file"])
def test_lock_that_is_not_ours_is_refused(
    tmp_path: Path, org: Emulator, shared: Path, secret: Path, planted: str
) -> None:
    """Neither truncated nor waited for: every report is `disk`, exit 5, in words."""
    lock = own_state_directory(shared) / "lock"
    if planted == "hard link":
        os.link(secret, lock)
    else:
        plant = {
            "symbolic link": lambda: lock.symlink_to(secret),
            "named pipe": lambda: os.mkfifo(lock),
            "file": lambda: lock.write_bytes(b""),
        }[planted]
        as_other_user(plant)
    code, _ = run(configure(tmp_path, org, [(REPORT, shared)]))
    message = summary(shared / "summary_report.json")[REPORT]["message"]
    assert code == 5
    assert str(lock) in message
    assert (planted if planted != "file" else f"uid {OTHER_UID}") in message
    assert secret.read_bytes() == OLD


def test_lock_of_an_earlier_version_cannot_be_held_by_others(tmp_path: Path, org: Emulator, shared: Path) -> None:
    """Who may open a file may lock it, and would keep every run away: it becomes private."""
    (shared / ".sfr").mkdir(mode=0o750)
    lock = shared / ".sfr" / "lock"
    lock.touch()
    lock.chmod(0o664)
    assert run(configure(tmp_path, org, [(REPORT, shared)]))[0] == 0
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_note_that_others_could_have_written_is_not_followed(tmp_path: Path, org: Emulator, shared: Path) -> None:
    """Though it is ours: a file of another run that it names stays."""
    private = tmp_path / "private"
    private.mkdir()
    leftover = private / ".sfr-x-1.part"
    leftover.write_bytes(OLD)
    note = own_state_directory(shared) / "run-x"
    note.write_text("[]")
    os.chown(note, 0, GROUP)
    note.chmod(0o664)
    as_other_user(lambda: note.write_text(f'["{private}"]'))
    code, stderr = run(configure(tmp_path, org, [(REPORT, shared)]))
    assert code == 0
    assert "mode 0664" in stderr
    assert leftover.exists()


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_history_that_others_could_have_written_is_not_used(
    tmp_path: Path, org: Emulator, shared: Path, ending: str
) -> None:
    """Though it is ours: old reports are removed on its word."""
    database = own_state_directory(shared) / f"history.sqlite3{ending}"
    database.touch()
    database.chmod(0o664)
    code, stderr = run(configure(tmp_path, org, [(REPORT, shared)]))
    assert code == 0
    assert "mode 0664" in stderr
    assert database.stat().st_size == 0


@pytest.mark.parametrize("planted", ["symbolic link", "named pipe", "regular file"])
def test_state_directory_that_is_no_directory_is_refused(
    tmp_path: Path, org: Emulator, shared: Path, planted: str
) -> None:
    """In words about what lies there, and nothing about space."""
    state = shared / ".sfr"
    plant = {
        "symbolic link": lambda: state.symlink_to("nowhere"),
        "named pipe": lambda: os.mkfifo(state),
        "regular file": lambda: state.write_bytes(b""),
    }[planted]
    as_other_user(plant)
    code, _ = run(configure(tmp_path, org, [(REPORT, shared)]))
    message = summary(shared / "summary_report.json")[REPORT]["message"]
    assert code == 5
    assert planted in message
    assert "space" not in message


@pytest.mark.parametrize("planted", ["named pipe", "symbolic link", "file"])
def test_note_that_is_not_ours_is_not_followed(tmp_path: Path, org: Emulator, shared: Path, planted: str) -> None:
    """The start does not hang, nothing is removed on its word, the run warns and continues."""
    note = own_state_directory(shared) / "run-x"
    private = tmp_path / "private"
    private.mkdir()
    (private / ".sfr-x-1.part").write_bytes(OLD)
    (tmp_path / "note").write_text(f'["{private}"]')
    plant = {
        "named pipe": lambda: os.mkfifo(note),
        "symbolic link": lambda: note.symlink_to(tmp_path / "note"),
        "file": lambda: note.write_text(f'["{private}"]'),
    }[planted]
    as_other_user(plant)
    code, stderr = run(configure(tmp_path, org, [(REPORT, shared)]))
    assert code == 0
    assert "Cannot remove the temporary files recorded in" in stderr
    assert (private / ".sfr-x-1.part").exists()


def test_sweep_leaves_what_others_have_put_under_a_temporary_files_name(
    tmp_path: Path, org: Emulator, shared: Path
) -> None:
    """Our own leftovers go; a link, a pipe and another user's file stay, and are named."""
    state = own_state_directory(shared)
    (state / "run-x").write_text(f'["{shared}", "/etc", "relative", "/proc/self"]')
    ours, theirs, link = (shared / f".sfr-x-{name}.part" for name in ("ours", "theirs", "link"))
    ours.write_bytes(b"")
    as_other_user(lambda: (theirs.write_bytes(b""), link.symlink_to(theirs)))
    code, stderr = run(configure(tmp_path, org, [(REPORT, shared)]))
    assert code == 0
    assert not ours.exists()
    assert theirs.exists()
    assert link.is_symlink()
    assert str(theirs) in stderr


@pytest.mark.parametrize("ending", ["", "-journal", "-wal"])
def test_history_that_is_not_ours_is_not_used(
    tmp_path: Path, org: Emulator, shared: Path, secret: Path, ending: str
) -> None:
    """Neither the database nor what SQLite would take for its own journal: a warning, and the run does without."""
    database = own_state_directory(shared) / f"history.sqlite3{ending}"
    as_other_user(lambda: database.symlink_to(secret))
    code, stderr = run(configure(tmp_path, org, [(REPORT, shared)]))
    assert code == 0
    assert "history" in stderr
    assert "symbolic link" in stderr
    assert secret.read_bytes() == OLD


@pytest.mark.parametrize("planted", ["symbolic link", "named pipe", "file"])
def test_log_file_that_is_not_ours_is_not_written(
    tmp_path: Path, org: Emulator, shared: Path, secret: Path, planted: str
) -> None:
    """One warning, and no log file: as for any that cannot be written."""
    path = shared / "sfr.log"
    plant = {
        "symbolic link": lambda: path.symlink_to(secret),
        "named pipe": lambda: os.mkfifo(path),
        "file": lambda: path.write_bytes(b""),
    }[planted]
    as_other_user(plant)
    config = configure(tmp_path, org, [(REPORT, shared)], logging={"file": {"path": str(path)}})
    code, stderr = run(config)
    assert code == 0
    assert stderr.count("cannot be written") == 1
    assert secret.read_bytes() == OLD
    assert planted != "file" or path.read_bytes() == b""


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_permissions_do_not_follow_from_the_umask(tmp_path: Path, org: Emulator, umask: int) -> None:
    """State 0600 and 0750, log 0640, reports and summaries `file_mode`, directories 0750."""
    org.add_report("Large", size_bytes=2_500_000)
    reports = tmp_path / "a" / "b"
    log_path = tmp_path / "logs" / "deep" / "sfr.log"
    config = configure(
        tmp_path, org, [(REPORT, reports), ("Large", reports)], logging={"file": {"path": str(log_path)}}
    )
    assert run(config, umask=umask)[0] == 0
    assert is_whole(reports / "Large.csv", org)
    out = tmp_path / "out"
    directories = (out, out / ".sfr", reports, reports.parent, log_path.parent, log_path.parent.parent)
    assert {stat.S_IMODE(path.stat().st_mode) for path in directories} == {0o750}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (out / ".sfr").iterdir()} == {0o600}
    public = (log_path, reports / "Large.csv", reports / f"{REPORT}.csv", out / "summary_report.json")
    assert {stat.S_IMODE(path.stat().st_mode) for path in public} == {0o640}
