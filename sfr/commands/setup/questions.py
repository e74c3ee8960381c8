"""Asks questions on a terminal, one at a time, each with a reason and a default. Writes no file.

Prompts and texts go to standard output. What is typed at `ask_secret` is not shown. Ctrl-C at a question ends the
program like any other stop signal. No line is kept in a history.
"""

from __future__ import annotations

import getpass
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TextIO

from sfr.console import print_out, terminal_width
from sfr.errors import LogInError, ReportError, UsageError
from sfr.logs.format import is_terminal

#: A check of an answer: returns it in the form that is used, or raises ValueError with what is expected.
Check = Callable[[str], str]
#: Longest answer of a person.
MAX_ANSWER_CHARS = 4096
#: Indent of the description of a choice that stands below it.
_NARROW_INDENT = 5
_NUMBER = re.compile(r"\d+\. ")


class Questions:
    """Asks a person; made by `questions`."""

    def __init__(self, *, is_interactive: bool, answers_yes: bool) -> None:
        #: Whether there is a person to ask.
        self.is_interactive = is_interactive
        self._answers_yes = answers_yes

    def say(self, text: str = "") -> None:
        """Print paragraphs, wrapped to the terminal; lines that are indented already are kept as they are."""
        for line in text.split("\n"):
            if not line or line.startswith(" "):
                print_out(line)
                continue
            number = _NUMBER.match(line)
            first = number[0] if number else ""
            self._say_beside(first, line[len(first) :])

    def _say_beside(self, first: str, text: str) -> None:
        """Print a paragraph beside its first words, or below them where the terminal is narrow."""
        from sfr.terminal.rendering import paragraph  # which imports rich

        encoding, width = sys.stdout.encoding, terminal_width()
        indent = " " * len(first)
        if width is not None and len(first) > width // 2:
            print_out(first.rstrip())
            first = indent = " " * _NARROW_INDENT
        for part in paragraph(text, width, encoding, first=first, indent=indent):
            print_out(part)

    def ask(self, question: str, why: str, default: str = "", check: Check = str) -> str:
        """The answer to a question, asked again until the check accepts it."""
        self.say()
        self.say(why)
        prompt = f"{question}{f' [{default}]' if default else ''}: "
        return self._until_accepted(lambda: self._read(prompt) or default, check)

    def _until_accepted(self, read: Callable[[], str], check: Check) -> str:
        while True:
            answer = read()
            if not answer:
                self.say("An answer is needed.")
                continue
            try:
                return check(answer)
            except ValueError as error:
                self.say(f"Not this: expected {error}.")
            except (LogInError, ReportError) as error:
                self.say(f"Not this: {error}")

    def ask_secret(self, question: str, why: str, check: Check = str) -> str:
        """The same for a secret: it is not shown while it is typed or pasted."""
        self.say()
        self.say(f"{why} It is not shown while you paste it.")
        return self._until_accepted(lambda: _hidden(f"{question}: "), check)

    def choose(self, question: str, why: str, choices: Sequence[tuple[str, str]], default: str) -> str:
        """One of the choices, each with what it is; by number or name."""
        names = [name for name, _ in choices]

        def chosen(answer: str) -> str:
            if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(names):
                return names[int(answer) - 1]
            if answer.lower() in names:
                return answer.lower()
            raise ValueError(f"a number from 1 to {len(names)}, or one of the names")

        width = max(map(len, names))
        self.say()
        self.say(why)
        for number, (name, what) in enumerate(choices, 1):
            self._say_beside(f"  {number}  {name:{width}}  ", what)
        return self._until_accepted(lambda: self._read(f"{question} [{default}]: ") or default, chosen)

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """Yes or no; `--yes` and a program without a terminal answer by themselves."""
        if self._answers_yes or not self.is_interactive:
            return self._answers_yes or default
        while True:
            answer = self._read(f"{question} [{'Y/n' if default else 'y/N'}]: ").lower()
            if answer in ("", "y", "yes", "n", "no"):
                return default if not answer else answer[0] == "y"
            self.say("Expected y or n.")

    def _read(self, prompt: str) -> str:
        _show(prompt)
        try:
            return read_line(sys.stdin)
        except BaseException:
            _show("\n")
            raise


def questions(*, answers_yes: bool) -> Questions:
    """For this process: interactive if standard input and output are a terminal."""
    is_interactive = all(stream is not None and is_terminal(stream) for stream in (sys.stdin, sys.stdout))
    return Questions(is_interactive=is_interactive, answers_yes=answers_yes)


def read_line(stream: TextIO, timeout_s: float | None = None) -> str:
    """A line that a person types or pastes, stripped. timeout_s: None waits as long as the person needs.

    Raises UsageError at the end of the input, TimeoutError.
    """
    if timeout_s is not None and os.name == "posix":
        import select

        if not select.select([stream], [], [], timeout_s)[0]:
            raise TimeoutError
    try:
        line = stream.readline(MAX_ANSWER_CHARS + 1)
    except UnicodeDecodeError:
        return ""
    if not line:
        raise UsageError("The input ended before the question was answered. Run the same command again to continue.")
    return line.strip()


def _hidden(prompt: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would be shown
            return getpass.getpass(prompt).strip()
    except EOFError:
        raise UsageError("The input ended before the question was answered. Run the same command again.") from None
    except getpass.GetPassWarning:
        raise UsageError("This terminal cannot hide what is typed; give the secret by its SFDC_* variable.") from None
    except BaseException:
        _show("\n")
        raise


def _show(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
