"""The terminal of a run on real pseudo-terminals: nothing is torn, and nobody waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from sfr.terminal.screen import MAX_LINES, Screen
from tests.pseudo_terminal import PseudoTerminal
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")


@pytest.fixture
def terminal() -> Iterator[PseudoTerminal]:
    """A terminal of 40 columns."""
    with PseudoTerminal(columns=40) as terminal:
        yield terminal


def frame(*lines: str, seen: list[tuple[int, int]] | None = None):
    """A frame of these lines, cut to the width; notes the sizes it is drawn for."""

    def draw(columns: int, most_lines: int) -> list[str]:
        if seen is not None:
            seen.append((columns, most_lines))
        return [line[:columns] for line in lines]

    return draw


def test_lines_appear_whole_above_the_region(terminal: PseudoTerminal) -> None:
    """A line between two drawings, also one that fills the terminal's width or wraps, tears nothing."""
    screen = Screen(terminal.stream)
    lines = ["short", "x" * 40, "y" * 95, "商談" * 15]
    for number, line in enumerate(lines):
        screen.show(frame(f"first {number}", f"second {number}"))
        screen.write(f"{line}\n")
        wait_until(lambda number=number: terminal.lines()[number + 1 :] == [f"first {number}", f"second {number}"])
    assert screen.close()

    wait_until(lambda: terminal.lines() == lines)


def test_region_shrinks_and_grows_without_leaving_anything(terminal: PseudoTerminal) -> None:
    """Each drawing covers the one before, whatever its height; the end leaves nothing."""
    screen = Screen(terminal.stream)
    for lines in (["a", "b", "c"], ["d"], ["eeeeeeee", "f"], ["g", "h", "i", "j"]):
        screen.show(frame(*lines))
        wait_until(lambda lines=lines: terminal.lines() == lines)
    screen.close()
    wait_until(lambda: terminal.lines() == [])


@pytest.mark.parametrize("columns", [10, 25, 120])
def test_region_is_redrawn_when_the_terminal_is_resized(terminal: PseudoTerminal, columns: int) -> None:
    """Lines that the terminal wraps when it gets narrow leave no remains."""
    screen = Screen(terminal.stream)
    screen.write("before\n")
    wide = [letter * 200 for letter in "abc"]
    screen.show(frame(*wide))
    wait_until(lambda: terminal.lines() == ["before", *(line[:39] for line in wide)])

    terminal.resize(columns)
    screen.show(frame(*wide))

    wait_until(lambda: terminal.lines() == ["before", *(line[: columns - 1] for line in wide)])
    screen.close()
    wait_until(lambda: terminal.lines() == ["before"])


def test_nobody_waits_while_the_terminal_is_held(terminal: PseudoTerminal) -> None:
    """Ctrl-S holds the terminal, not the run; afterwards what was kept appears, and how much was not."""
    screen = Screen(terminal.stream)
    screen.write("before\n")
    wait_until(lambda: terminal.lines() == ["before"])
    terminal.hold()
    for number in range(3 * MAX_LINES):
        screen.write(f"line {number} {'x' * 100}\n")
        screen.show(frame(f"frame {number}"))
    assert not screen.close(0.1)

    terminal.resume()
    assert screen.close(None)
    wait_until(lambda: any("left out" in line for line in terminal.lines()))
    wait_until(lambda: len(terminal.lines()) > MAX_LINES)
    shown = terminal.lines()
    assert shown[1].startswith("line 0 x")
    assert MAX_LINES < len(shown) < 3 * MAX_LINES
    assert not [line for line in shown if "frame" in line]


def test_nobody_notices_when_the_terminal_has_gone(terminal: PseudoTerminal) -> None:
    """A closed window swallows lines and frames."""
    screen = Screen(terminal.stream)
    terminal.hang_up()
    for number in range(3 * MAX_LINES):
        screen.write(f"line {number}\n")
        screen.show(frame("x"))

    assert screen.close(60)


def test_process_ends_while_its_terminal_is_held(terminal: PseudoTerminal) -> None:
    """The thread that waits for the terminal does not keep Python from exiting."""
    code = (
        "import sys; from sfr.terminal.screen import Screen\nscreen = Screen(sys.stderr)\n"
        "for _ in range(500): screen.write('x' * 1000 + '\\n')\nassert not screen.close(0.1)"
    )
    terminal.hold()
    ended = subprocess.run([sys.executable, "-c", code], stderr=terminal.stream, check=False, timeout=60)

    assert ended.returncode == 0


def test_terminal_without_a_size_counts_as_the_usual_one() -> None:
    """Serial consoles say 0 × 0."""
    with PseudoTerminal(columns=0, rows=0) as terminal:
        terminal.grid.columns = 80
        seen: list[tuple[int, int]] = []
        screen = Screen(terminal.stream)
        screen.show(frame("x", seen=seen))
        wait_until(lambda: terminal.lines() == ["x"])
        screen.close()
    assert seen[0] == (79, 23)


def test_lines_of_many_threads_stay_whole(terminal: PseudoTerminal) -> None:
    """Each in one piece, however many threads write while the region changes."""
    screen = Screen(terminal.stream)

    def write(name: str) -> None:
        for number in range(50):
            screen.write(f"{name} {number}\n")
            screen.show(frame(f"frame of {name}", "more"))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    screen.close()

    wait_until(lambda: len(terminal.lines()) == 150)
    assert sorted(terminal.lines()) == sorted(f"{name} {n}" for name in ("one", "two", "three") for n in range(50))
