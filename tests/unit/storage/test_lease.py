"""The lease of an output directory: one holder, whatever happens to the others."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sfr.storage.lease import RECORD_BYTES, SILENCE_S, Lease, LeaseRecord, LeaseState, LeaseWatch, latest_generation
from sfr.storage.lease_claim import LeaseClaim

CHECKOUT = Path(__file__).parents[3]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def watch(directory: Path, clock: Clock | None = None, boot: str = "this boot") -> LeaseWatch:
    """A watch with a clock of its own."""
    return LeaseWatch(str(directory), clock or Clock(), lambda: boot)


def taken(directory: Path, *, boot: str = "this boot", has_lock: bool = True) -> Lease:
    """A lease taken from a directory where that is allowed."""
    other = watch(directory, boot=boot)
    assert other.look(has_lock=has_lock) in (LeaseState.FREE, LeaseState.LOST)
    lease = other.take(has_lock=has_lock)
    assert lease is not None
    return lease


def test_first_lease_is_free_and_current(tmp_path):
    """Generation 1; no temporary file stays."""
    lease = taken(tmp_path)

    assert lease.is_current()
    assert [path.name for path in tmp_path.iterdir()] == ["lease.1"]
    assert (tmp_path / "lease.1").stat().st_size == RECORD_BYTES


def test_lease_whose_record_cannot_be_read_is_not_current(tmp_path):
    """Whatever the reason: nothing proves that it is ours. The thread that renews it continues."""
    lease = taken(tmp_path)
    (tmp_path / "lease.1").unlink()
    (tmp_path / "lease.1").mkdir()

    assert not lease.is_current()


def test_released_lease_is_free_and_the_next_generation_follows(tmp_path):
    """Generations are never used twice."""
    taken(tmp_path).release()

    assert taken(tmp_path).claim == LeaseClaim(str(tmp_path), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["lease.2"]


def test_lease_that_another_machine_released_is_free_at_once(tmp_path):
    """Nobody waits for a run that has ended."""
    taken(tmp_path, boot="another boot").release()

    assert watch(tmp_path).look(has_lock=False) is LeaseState.FREE


def test_holder_on_another_machine_has_lost_its_lease_after_90_s_of_silence(tmp_path):
    """By the clock of the one who watches; a renewal resets the time."""
    holder, clock = taken(tmp_path, boot="another boot"), Clock()
    other = watch(tmp_path, clock)

    assert other.look(has_lock=True) is LeaseState.UNKNOWN
    clock.now_s += SILENCE_S - 1
    assert other.look(has_lock=True) is LeaseState.UNKNOWN
    holder.renew()
    clock.now_s += 2
    assert other.look(has_lock=True) is LeaseState.LIVE
    clock.now_s += SILENCE_S
    assert other.look(has_lock=True) is LeaseState.LOST
    assert other.take(has_lock=True) is not None
    assert not holder.is_current()
    assert not holder.claim.is_current()


@pytest.mark.parametrize(
    ("boot", "holder_has_lock", "has_lock", "state"),
    [
        ("this boot", True, True, LeaseState.LOST),
        ("this boot", True, False, LeaseState.UNKNOWN),
        ("this boot", False, True, LeaseState.UNKNOWN),
        ("another boot", True, True, LeaseState.UNKNOWN),
        ("", True, True, LeaseState.UNKNOWN),
    ],
)
def test_holder_of_the_same_boot_whose_lock_is_free_has_lost_at_once(tmp_path, boot, holder_has_lock, has_lock, state):
    """Only if it had the lock, and the one who looks has it now."""
    taken(tmp_path, boot=boot, has_lock=holder_has_lock)

    assert watch(tmp_path, boot=boot and "this boot").look(has_lock=has_lock) is state


def test_two_takers_at_once_have_one_winner(tmp_path):
    """1,000 tries of two threads that start together: each generation goes to exactly one."""
    barrier, won = threading.Barrier(2), []

    def take(number):
        for _ in range(1000):
            other = watch(tmp_path)
            barrier.wait(30)
            other.look(has_lock=True)
            barrier.wait(30)
            lease = other.take(has_lock=True)
            won.append((lease is not None, number))
            barrier.wait(30)
            if lease is not None:
                lease.release()
            barrier.wait(30)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(has_won for has_won, _ in won) == 1000
    assert latest_generation(str(tmp_path)) == 1000


TAKER = """
import sys
from sfr.storage.lease import LeaseWatch
watch = LeaseWatch(sys.argv[1], boot=lambda: "this boot")
for line in sys.stdin:
    watch.look(has_lock=True)
    print("looked", flush=True)
    lease = watch.take(has_lock=True) if sys.stdin.readline() else None
    print("won" if lease else "lost", flush=True)
    sys.stdin.readline()
    if lease: lease.release()
    print("ready", flush=True)
"""


def test_two_processes_at_once_have_one_winner(tmp_path):
    """The same with processes, which share nothing but the directory."""
    command = [sys.executable, "-c", TAKER, str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    takers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        for _ in range(2)
    ]
    try:
        for _ in range(100):
            for answers in (["looked", "looked"], ["lost", "won"], ["ready", "ready"]):
                for taker in takers:
                    taker.stdin.write("go\n")
                    taker.stdin.flush()
                assert sorted(taker.stdout.readline().strip() for taker in takers) == answers
    finally:
        for taker in takers:
            taker.kill()
            taker.communicate()


def test_taker_that_was_suspended_for_a_whole_run_does_not_win_a_generation_that_is_gone(tmp_path):
    """It looked at generation 1; by now generation 3 runs, and `lease.2` is free as a name."""
    taken(tmp_path).release()
    late = watch(tmp_path)
    late.look(has_lock=True)
    taken(tmp_path).release()
    holder = taken(tmp_path)

    assert late.take(has_lock=True) is None
    assert holder.is_current()
    assert [path.name for path in tmp_path.iterdir()] == ["lease.3"]


def test_holder_that_was_suspended_renews_before_it_publishes(tmp_path):
    """So that who watches sees a life sign before the file changes."""
    clock = Clock()
    other = watch(tmp_path, boot="another boot")
    other.look(has_lock=True)
    claimed = other.take(has_lock=True)
    lease = Lease(claimed.claim, claimed._descriptor, claimed._record, clock)
    before = (tmp_path / "lease.1").read_bytes()

    assert lease.is_current()
    assert (tmp_path / "lease.1").read_bytes() == before
    clock.now_s += 3600
    assert lease.is_current()
    renewed = (tmp_path / "lease.1").read_bytes()
    assert renewed != before
    assert lease.is_current()
    assert (tmp_path / "lease.1").read_bytes() == renewed


def test_lease_is_renewed_in_place_when_the_disk_is_full(tmp_path):
    """A renewal needs no space; one that fails is no end of the lease."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    lease = taken(tmp_path)
    descriptor = os.open(full, os.O_WRONLY)
    broken = Lease(lease.claim, descriptor, lease._record)

    assert not broken.renew()
    assert broken.is_current()
    os.close(descriptor)
    assert lease.renew()
    assert (tmp_path / "lease.1").stat().st_size == RECORD_BYTES


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[1, 2]", b"\0" * RECORD_BYTES])
def test_half_written_record_is_a_holder_that_is_not_known_to_be_gone(tmp_path, content):
    """A torn record is waited for like any other."""
    (tmp_path / "lease.7").write_bytes(content)
    clock = Clock()
    other = watch(tmp_path, clock)

    assert other.look(has_lock=True) is LeaseState.UNKNOWN
    clock.now_s += SILENCE_S
    assert other.look(has_lock=True) is LeaseState.LOST


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
def test_lease_that_is_half_written_is_not_taken(tmp_path):
    """A short write is the error of a full disk: half a record would look like another run's later."""
    code = (
        "import resource, sys; from sfr.storage.lease import LeaseWatch;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({RECORD_BYTES // 2},) * 2);"
        "watch = LeaseWatch(sys.argv[1]); watch.look(has_lock=True); watch.take(has_lock=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert "File too large" in done.stderr
    assert not list(tmp_path.iterdir())


def test_record_has_a_constant_size(tmp_path):
    """Whatever the machine's name."""
    record = LeaseRecord("ab" * 8, "m" * 300, "b" * 36, 2**31, is_locked=True, counter=10**9)

    assert len(record.encoded()) == RECORD_BYTES
    assert LeaseRecord.decoded(record.encoded()).counter == 10**9


def test_claim_that_cannot_be_checked_is_not_current(tmp_path):
    """Nobody publishes on a guess."""
    assert not LeaseClaim(str(tmp_path / "missing"), 1).is_current()
    (tmp_path / "lease.1").mkdir()
    (tmp_path / "lease.2").symlink_to("lease.1")
    assert not LeaseClaim(str(tmp_path), 1).is_current()


def test_holder_that_died_on_this_machine_has_lost_its_lease_at_once(tmp_path):
    """By the kernel's own identity of the boot, which is the same for all processes."""
    if not Path("/proc/sys/kernel/random/boot_id").exists():
        pytest.skip("needs Linux")
    first, second = LeaseWatch(str(tmp_path)), LeaseWatch(str(tmp_path))
    assert first.look(has_lock=True) is LeaseState.FREE
    assert first.take(has_lock=True) is not None

    assert second.look(has_lock=True) is LeaseState.LOST


def test_claim_follows_no_link(tmp_path):
    """A link in the place of the file ends the lease, even one to a record."""
    (tmp_path / "record").write_bytes(b"x")
    (tmp_path / "lease.1").symlink_to(tmp_path / "record")

    assert not LeaseClaim(str(tmp_path), 1).is_current()


def test_claim_waits_for_no_pipe(tmp_path):
    """What somebody puts in the place of the next file never holds up the run."""
    (tmp_path / "lease.1").write_bytes(b"x")
    os.mkfifo(tmp_path / "lease.2")

    assert not LeaseClaim(str(tmp_path), 1).is_current()


@pytest.mark.parametrize("has_linked", [True, False])
def test_lost_answer_to_a_link_is_judged_by_the_links_of_the_file(tmp_path, monkeypatch, has_linked):
    """On NFS a link may succeed although its caller gets an error; one that failed is an error."""
    system_link = os.link

    def link(source, target):
        if has_linked:
            system_link(source, target)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", link)
    other = watch(tmp_path)
    other.look(has_lock=True)

    if has_linked:
        lease = other.take(has_lock=True)
        assert lease is not None
        assert lease.is_current()
    else:
        with pytest.raises(OSError, match="Input/output error"):
            other.take(has_lock=True)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("failures", "is_current"), [(1, True), (9, False)])
def test_stale_handle_of_a_network_file_system_is_opened_once_more(tmp_path, monkeypatch, failures, is_current):
    """The second attempt looks the name up again; after that nothing is known."""
    taken(tmp_path)
    system_open, left = os.open, [failures]

    def stale(path, *arguments, **options):
        if str(path).endswith("/lease.1") and left[0]:
            left[0] -= 1
            raise OSError(errno.ESTALE, "Stale file handle")
        return system_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", stale)

    assert LeaseClaim(str(tmp_path), 1).is_current() is is_current


def open_descriptors(directory):
    """How many descriptors of this process refer to files of the directory, removed ones included."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own
            found += os.readlink(f"/proc/self/fd/{name}").startswith(f"{directory}/")
    return found


def test_lease_leaves_no_descriptor_open(tmp_path):
    """Neither looks, several for each file that a run publishes, nor a take that another process won, nor a release."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    late = watch(tmp_path)
    late.look(has_lock=False)
    lease, other = taken(tmp_path), watch(tmp_path)
    for _ in range(5):
        assert lease.is_current()
        other.look(has_lock=False)
    assert late.take(has_lock=False) is None

    assert open_descriptors(tmp_path) == 1
    lease.release()
    assert open_descriptors(tmp_path) == 0


def test_lease_with_the_record_of_another_holder_is_not_current(tmp_path):
    """The same generation may be someone else's, after a file system was restored from a copy, say."""
    lease = taken(tmp_path)
    (tmp_path / "lease.1").write_bytes(LeaseRecord("other", "m", "b", 1, is_locked=True).encoded())

    assert not lease.is_current()


def test_files_that_only_resemble_a_lease_are_ignored(tmp_path):
    """A superscript is a digit for Python, but no number."""
    for name in ("lease.\u00b2", "lease.", "lease.1.bak", "lease.-1"):
        (tmp_path / name).touch()

    assert latest_generation(str(tmp_path)) == 0
