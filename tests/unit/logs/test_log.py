from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest

from sfr.config.log_settings import ConsoleLog, FileLog, Logging
from sfr.errors import BugError, ReportListError
from sfr.logs import handlers
from sfr.logs.log import Logs, open_logging
from sfr.redaction import Redactor
from tests.pseudo_terminal import PseudoTerminal
from tests.waiting import wait_until

log = logging.getLogger("sfr.test_log")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def settings(path: Path | None = None, *, level: str = "WARNING", color: str = "auto", **file: int) -> Logging:
    """The `logging` section."""
    return Logging(
        console=ConsoleLog(level=level, color=color), file=FileLog(path=None if path is None else str(path), **file)
    )


def opened(stream: io.StringIO, logging_settings: Logging | None = None, environ: dict[str, str] | None = None) -> Logs:
    """Logging to the stream, with one secret known."""
    redactor = Redactor()
    redactor.add("s3cr3t-value")
    return open_logging(logging_settings or settings(), redactor, stream=stream, environ=environ or {})


def test_console_shows_warnings_only_when_the_level_is_the_default() -> None:
    """WARNING and above reach stderr, with time and level; INFO does not."""
    stream = io.StringIO()
    with opened(stream):
        log.info("quiet")
        log.warning("loud %s", 1)

    assert "quiet" not in stream.getvalue()
    assert stream.getvalue().endswith(" WARNING  loud 1\n")
    assert stream.getvalue()[:4].isdigit()


@pytest.mark.parametrize("how", ["message", "argument", "exception", "cause"])
def test_secret_is_masked_when_it_is_anywhere_in_a_record(how: str, tmp_path: Path) -> None:
    """No handler writes a secret, whichever way it came into the record."""
    stream = io.StringIO()
    path = tmp_path / "logs" / "sfr.log"
    with opened(stream, settings(path)) as logs:
        logs.open_file()
        try:
            if how == "message":
                log.warning("got s3cr3t-value")
            elif how == "argument":
                log.warning("got %s", "s3cr3t-value")
            else:
                try:
                    raise ValueError("s3cr3t-value")
                except ValueError as error:
                    raise (error if how == "exception" else RuntimeError("outer")) from error
        except Exception:
            log.exception("failed")

    for text in (stream.getvalue(), path.read_text()):
        assert "***" in text
        assert "s3cr3t" not in text


def test_control_characters_are_escaped_when_a_message_has_them() -> None:
    """A server cannot paint the terminal, nor forge a record of its own by a line end."""
    stream = io.StringIO()
    with opened(stream):
        log.warning("name %s", "\x1b[31mred\x07\x9b\u202e\n2026-01-01 CRITICAL forged\r")

    lines = stream.getvalue().splitlines()
    assert r"\x1b[31mred\x07\x9b\u202e" in lines[0]
    assert lines[1] == r"    2026-01-01 CRITICAL forged\r"


def test_every_line_has_its_priority_when_stderr_is_the_journal(tmp_path: Path) -> None:
    """The journal gets `<N>` on each line, and no time of ours."""
    path = tmp_path / "journal"
    with path.open("w+") as stream:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}", "FORCE_COLOR": ""}
        with open_logging(settings(level="DEBUG"), Redactor(), stream=stream, environ=environ):
            log.error("one\ntwo")
            log.debug("three")
    assert path.read_text().splitlines() == ["<3>one", "<3>    two", "<7>three"]


@pytest.mark.parametrize(
    ("stream_kind", "color", "environ", "is_colored"),
    [
        (Terminal, "auto", {}, True),
        (Terminal, "auto", {"NO_COLOR": "1"}, False),
        (Terminal, "auto", {"NO_COLOR": ""}, True),
        (Terminal, "auto", {"TERM": "dumb"}, False),
        (Terminal, "never", {"FORCE_COLOR": "1"}, False),
        (io.StringIO, "auto", {}, False),
        (io.StringIO, "auto", {"FORCE_COLOR": "1"}, True),
        (io.StringIO, "always", {"NO_COLOR": "1"}, True),
    ],
)
def test_color_is_used_when_it_is_wanted(
    stream_kind: type[io.StringIO], color: str, environ: dict[str, str], is_colored: bool
) -> None:
    """The setting outranks the environment, the environment the terminal."""
    stream = stream_kind()
    with opened(stream, settings(color=color), environ):
        log.warning("x")

    assert ("\x1b[" in stream.getvalue()) is is_colored


def test_early_records_reach_the_file_when_it_is_opened_later(tmp_path: Path) -> None:
    """What was logged before the lock was held is in the file, in order, at the file's level."""
    path = tmp_path / "sfr.log"
    with opened(io.StringIO(), settings(path)) as logs:
        log.debug("first")
        assert not path.exists()
        logs.open_file()
        log.debug("second")
        logs.emit(logging.ERROR, "worker", "third\nTraceback")

    lines = path.read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["first", "second", "third", "Traceback"]
    assert "sfr.worker" in lines[2]


def test_no_file_is_made_when_it_is_never_opened(tmp_path: Path) -> None:
    """A run that ends before it holds the lock leaves no log file."""
    path = tmp_path / "logs" / "sfr.log"
    with opened(io.StringIO(), settings(path)):
        log.error("x")
    assert not path.parent.exists()


def test_run_continues_when_the_log_file_cannot_be_opened(tmp_path: Path) -> None:
    """One warning on the console, then everything as before."""
    (tmp_path / "file").write_text("")
    stream = io.StringIO()
    with opened(stream, settings(tmp_path / "file" / "sfr.log")) as logs:
        logs.open_file()
        log.warning("still here")

    assert stream.getvalue().count("cannot be written") == 1
    assert "still here" in stream.getvalue()


def test_one_warning_is_given_when_the_log_file_fails_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up costs one warning; no traceback with raw values appears."""
    monkeypatch.setattr(handlers, "open_or_create", lambda *_: os.open("/dev/full", os.O_WRONLY))
    stream = io.StringIO()
    with opened(stream, settings(tmp_path / "sfr.log")) as logs:
        logs.open_file()
        log.warning("one")
        log.warning("two")

    assert stream.getvalue().count("can no longer be written") == 1
    assert "Traceback" not in stream.getvalue()


@pytest.mark.parametrize("backups", [0, 3])
def test_log_file_is_rotated_when_it_is_full(tmp_path: Path, backups: int) -> None:
    """The current file and the configured number of older ones, none above the limit."""
    path = tmp_path / "sfr.log"
    with opened(io.StringIO(), settings(path, max_bytes=2000, backups=backups)) as logs:
        logs.open_file()
        for number in range(200):
            log.debug("record %d", number)

    files = sorted(tmp_path.iterdir())
    assert len(files) == backups + 1
    assert all(file.stat().st_size <= 2000 for file in files)
    assert "record 199" in path.read_text()


def test_run_continues_when_stderr_is_closed_or_broken(tmp_path: Path) -> None:
    """A closed stream, a pipe nobody reads and no stream at all swallow the lines."""
    closed = io.StringIO()
    closed.close()
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as broken:
        for stream in (closed, broken):
            with open_logging(settings(), Redactor(), stream=stream, environ={}):
                log.error("x")
                log.error("y")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # so that closing it can flush


def test_record_with_values_that_do_not_fit_is_logged_as_such() -> None:
    """A wrong log call is one odd line, not a traceback that shows its values."""
    stream = io.StringIO()
    with opened(stream):
        log.warning("%d rows", "s3cr3t-value")
    assert "%d rows (a log line whose values do not fit" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()


def test_everything_is_restored_when_logging_is_closed() -> None:
    """Inside somebody's program: root logger untouched, own logger and hooks as before."""
    root, ours = logging.getLogger(), logging.getLogger("sfr")
    before = (root.handlers[:], root.level, ours.handlers[:], ours.level, ours.propagate)
    hook = threading.excepthook
    with opened(io.StringIO()):
        assert root.handlers == before[0]
        assert threading.excepthook is not hook
    assert before == (root.handlers, root.level, ours.handlers, ours.level, ours.propagate)
    assert threading.excepthook is hook


def test_exception_that_ends_the_program_is_logged_and_goes_no_further() -> None:
    """Its text may hold a secret: what leaves the program is only its kind."""
    stream = io.StringIO()

    with pytest.raises(BugError) as caught, opened(stream):
        raise ValueError("s3cr3t-value")

    assert "ValueError: ***" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue() + "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("error", [ReportListError("x"), BrokenPipeError(), KeyboardInterrupt()])
def test_error_that_the_program_knows_passes_through_the_log(error: BaseException) -> None:
    """It becomes an exit code further out."""
    stream = io.StringIO()

    with pytest.raises(type(error)), opened(stream):
        raise error

    assert stream.getvalue() == ""


def test_thread_exception_is_logged_with_secrets_masked() -> None:
    """A thread that dies leaves a masked traceback in the log."""
    stream = io.StringIO()

    def fail() -> None:
        raise ValueError("s3cr3t-value")

    with opened(stream):
        thread = threading.Thread(target=fail, name="fetch-1")
        thread.start()
        thread.join()

    assert "Uncaught ValueError in thread fetch-1" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()


def test_records_go_through_the_screen_when_there_is_one() -> None:
    """One thread writes to the terminal: records and what is drawn do not run into each other."""
    with PseudoTerminal() as terminal, opened(terminal.stream) as logs:
        logs.open_screen()
        assert logs.screen is not None
        logs.screen.show(lambda _columns, _lines: ["a region"])
        log.warning("x")
        logs.close()
        wait_until(lambda: terminal.lines() == ["WARNING  x"])
        assert logs.is_written(0)


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_there_is_no_screen_when_there_is_no_terminal_to_write_to(stream: io.StringIO) -> None:
    """A pipe, a file, or something that only looks like a terminal."""
    with opened(stream) as logs:
        logs.open_screen()
        assert logs.screen is None
        log.warning("x")
        assert logs.is_written(None)
    assert "WARNING" in stream.getvalue()


def test_colorlog_is_not_imported_when_stderr_is_no_terminal() -> None:
    """An unattended run does not pay for colours."""
    code = (
        "import sys, logging; from sfr.config.log_settings import Logging; from sfr.logs.log import open_logging\n"
        "from sfr.redaction import Redactor\n"
        "with open_logging(Logging(), Redactor(), environ={}): logging.getLogger('sfr').warning('x')\n"
        "print('colorlog' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
