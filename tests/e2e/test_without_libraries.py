"""A platform without wheels of the libraries that SFR has for their speed alone: the same files and summary."""

from __future__ import annotations

LIBRARIES = ("isal", "stringzilla", "zlib_ng")
UNCHANGING = ("file_name", "status", "rows", "columns", "size_bytes", "sha256", "error", "message")


def test_run_gives_the_same_files_and_summary_without_the_libraries(org, job):
    """All reports of the embedded org, gzip bodies included; the second run finds every file unchanged."""
    job.for_org(org)
    with_libraries = job.run()
    before = job.reports()
    job.environ["PYTHONPATH"] = str(job.directory / "hiding")
    for name in LIBRARIES:
        (job.directory / "hiding" / name).mkdir(parents=True)
        (job.directory / "hiding" / name / "__init__.py").write_text(
            "raise ImportError('no wheel for this platform')\n"
        )

    without = job.run()

    assert (with_libraries.code, without.code) == (0, 0)
    assert len(before) >= 8
    for name, report in job.reports().items():
        assert report["status"] == "unchanged"
        assert {key: report[key] for key in UNCHANGING if key != "status"} == {
            key: before[name][key] for key in UNCHANGING if key != "status"
        }
