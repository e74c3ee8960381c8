"""sfr.programs: a user's program with bounded output; timeout, stop and start are tested with `sid.command`."""

import sys

import pytest

from sfr.programs import OutputLimitError, run_program

CHATTY = [sys.executable, "-c", "import sys; sys.stdout.write('x' * 300_000 + 'end'); sys.stdout.flush()"]


def test_program_keeps_the_end_of_long_output_when_asked_to():
    """However much it prints, memory is bounded and its exit code counts."""
    outcome = run_program(CHATTY, timeout_s=30, max_output_bytes=10, keep_tail=True)

    assert (outcome.exit_code, outcome.output) == (0, "x" * 7 + "end")


def test_program_is_killed_when_it_prints_too_much():
    """Without `keep_tail` long output is an error."""
    with pytest.raises(OutputLimitError, match="more than 10 bytes"):
        run_program(CHATTY, timeout_s=30, max_output_bytes=10)


@pytest.mark.parametrize(("with_stderr", "expected"), [(True, "a\nb\n"), (False, "a\n")])
def test_program_output_includes_standard_error_only_when_asked_to(with_stderr, expected):
    """In the order in which it was printed."""
    argv = ["sh", "-c", "echo a; echo b >&2"]

    assert run_program(argv, timeout_s=30, max_output_bytes=100, with_stderr=with_stderr).output == expected


def test_program_gets_no_input():
    """One that reads its standard input sees the end of it."""
    assert run_program(["cat"], timeout_s=30, max_output_bytes=100).output == ""
