"""sfr.salesforce.auth.sid and sfr.salesforce.auth.commands: session ids from elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sfr.errors import LogInError, ReportError
from sfr.redaction import Secret
from sfr.salesforce.auth.commands import run_command
from sfr.salesforce.auth.grants import checked_token
from sfr.salesforce.auth.sid import SidSettings, log_in
from tests.unit.salesforce.auth.fake_transport import context_of

SID = "00Dxx0000000001!AQ.canary_0123456789"


def python(code: str) -> tuple[str, ...]:
    """A command that runs a line of Python."""
    return (sys.executable, "-c", code)


def test_value_is_the_session_and_no_request_is_sent() -> None:
    """`sid` logs in nowhere."""
    context, transport, redactor = context_of()
    grant = log_in(SidSettings(value=Secret(SID)), context)
    assert grant.access_token.reveal() == SID
    assert grant.instance_url is None
    assert transport.requests == []
    assert redactor.redact(f"x{SID[-18:]}y") == "x***y"


@pytest.mark.parametrize(("start", "end"), [("", ""), ("", "\n"), ("", "\r\n"), ("", "\n\n"), ("\ufeff", " \r\n\r\n")])
def test_file_is_reread_and_loses_what_editors_put_around_it(tmp_path: Path, start: str, end: str) -> None:
    """Another program may replace the session id while SFR runs; mark, blanks and line ends are part of none."""
    file = tmp_path / "sid"
    context, _, _ = context_of()
    for token in (SID, SID + "2"):
        file.write_bytes((start + token + end).encode())
        assert log_in(SidSettings(file=str(file)), context).access_token.reveal() == token


def test_command_gives_what_it_prints_less_one_line_end() -> None:
    """`echo` ends its line; that is not part of the id."""
    context, _, _ = context_of()
    assert log_in(SidSettings(command=python(f"print('{SID}')")), context).access_token.reveal() == SID


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (SidSettings(file="/dev/null"), "empty"),
        (SidSettings(value=Secret(SID + "\n")), "a newline"),
        (SidSettings(value=Secret("a b")), "not a valid session id"),
        (SidSettings(value=Secret("a;b=c")), "not a valid session id"),
        (SidSettings(value=Secret("é")), "not a valid session id"),
        (SidSettings(file="/nonexistent/sid"), "cannot be read"),
        (SidSettings(file="/dev/zero"), "too large"),
        (SidSettings(command=("/nonexistent/program",)), r"salesforce\.auth\.sid\.command. cannot be started"),
        (SidSettings(command=("a\0b",)), "cannot be started"),
        (
            SidSettings(command=python(f"print('{SID}'); raise SystemExit(7)")),
            r"salesforce\.auth\.sid\.command.*exit code 7",
        ),
        (SidSettings(command=python("pass")), "empty"),
        (SidSettings(command=python(f"print('{SID}\\n\\n')")), "a newline"),
        (SidSettings(command=python("print('x' * 2_000_000)")), "more than"),
    ],
)
def test_session_id_that_cannot_be_obtained_is_a_refusal_without_the_secret(settings: SidSettings, words: str) -> None:
    """Exit 3, and what to look at; never what was read."""
    context, _, _ = context_of()
    with pytest.raises(LogInError, match=words) as raised:
        log_in(settings, context)
    assert SID not in str(raised.value)


def test_command_is_killed_with_its_children_when_it_takes_too_long(tmp_path: Path) -> None:
    """A hanging program does not hang the run, and nothing of it stays."""
    pid_file = tmp_path / "pid"
    script = f"sleep 300 & echo $! > {pid_file}; wait"
    with pytest.raises(LogInError, match="did not end within 2 s"):
        run_command(["sh", "-c", script], key="some.key", is_stopped=lambda: False, timeout_s=2)
    child = int(pid_file.read_text())
    assert _is_gone(child)


def test_command_is_killed_when_the_run_is_stopped() -> None:
    """A stop waits for no vault."""
    with pytest.raises(ReportError):
        run_command(["sleep", "300"], key="some.key", is_stopped=lambda: True)


def test_command_ends_with_its_program_when_a_child_keeps_the_output_open() -> None:
    """An agent that stays behind is not waited for."""
    outcome = run_command(["sh", "-c", "sleep 5 & echo id"], key="some.key", is_stopped=lambda: False, timeout_s=4)
    assert (outcome.exit_code, outcome.output) == (0, "id\n")


def test_command_that_closes_its_output_is_waited_for() -> None:
    """Its exit code counts."""
    outcome = run_command(
        ["sh", "-c", "echo id; exec >&-; sleep 0.3; exit 3"], key="some.key", is_stopped=lambda: False
    )
    assert (outcome.exit_code, outcome.output) == (3, "id\n")


def _is_gone(pid: int) -> bool:
    """Whether a process is dead, or about to be: killed children are reaped by init some time."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(10_000):
        try:
            if stat.read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
    return False


def test_token_may_hold_what_salesforce_uses() -> None:
    """Exclamation mark, dots, dashes, slashes, equals."""
    assert checked_token("00D!AQ.a_b-c/d+e==", "x").reveal() == "00D!AQ.a_b-c/d+e=="
