"""How many workers fit: affinity, cgroup quota and memory limit, versions 2 and 1."""

import os

import pytest

from sfr.workers import sizing

MEGABYTE = 1024 * 1024


def make_root(tmp_path, cgroup_line, files):
    """A root directory with one cgroup: the process's line, and files under sys/fs/cgroup."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(cgroup_line)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def _eight_threads(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


@pytest.mark.usefixtures("_eight_threads")
@pytest.mark.parametrize(
    ("line", "files", "count"),
    [
        ("0::/", {}, 4),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000"}, 4),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "250000 100000", "a/b/cpu.max": "800000 100000"}, 1),
        ("4:cpu,cpuacct:/x\n", {"cpu/x/cpu.cfs_quota_us": "600000", "cpu/x/cpu.cfs_period_us": "100000"}, 3),
        ("4:cpu,cpuacct:/x\n", {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, 4),
    ],
    ids=["none", "v2 unlimited", "v2 quota", "v2 parent's quota", "v1 quota", "v1 unlimited"],
)
def test_worker_count_is_half_the_threads_that_the_process_may_use(tmp_path, line, files, count):
    """Half of what affinity and every cgroup above leave, rounded down, at least one."""
    assert count == sizing.worker_count(make_root(tmp_path, line, files))


def test_free_memory_counts_reclaimable_page_cache_as_free_when_version_2(tmp_path):
    """Max − current + inactive_file."""
    files = {
        "a/memory.max": str(100 * MEGABYTE),
        "a/memory.current": str(90 * MEGABYTE),
        "a/memory.stat": f"anon 1\nfile 2\ninactive_file {50 * MEGABYTE}\n",
    }

    assert sizing.free_memory_bytes(make_root(tmp_path, "0::/a\n", files)) == 60 * MEGABYTE


def test_free_memory_reads_the_limit_when_version_1(tmp_path):
    """The version 1 names, and its way to say unlimited."""
    files = {
        "memory/a/memory.limit_in_bytes": str(64 * MEGABYTE),
        "memory/a/memory.usage_in_bytes": str(60 * MEGABYTE),
        "memory/a/memory.stat": f"inactive_file 1\ntotal_inactive_file {10 * MEGABYTE}\n",
        "memory/memory.limit_in_bytes": "9223372036854771712",
        "memory/memory.usage_in_bytes": "1",
    }

    assert sizing.free_memory_bytes(make_root(tmp_path, "9:memory:/a\n", files)) == 14 * MEGABYTE


@pytest.mark.usefixtures("_eight_threads")
def test_worker_count_is_no_more_than_memory_allows_and_never_less_than_one(tmp_path):
    """A machine that is short of memory gets one worker."""
    files = {"a/memory.max": str(10 * MEGABYTE), "a/memory.current": str(9 * MEGABYTE)}

    assert sizing.worker_count(make_root(tmp_path, "0::/a\n", files)) == 1
