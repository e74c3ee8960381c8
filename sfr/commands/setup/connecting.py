"""Logs in for `sfr init` and lists the org's reports; on a terminal it asks what to do about a refusal."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.commands.connection import connect
from sfr.commands.setup import gathering
from sfr.commands.setup.log_in_trial import wait_until_accepted
from sfr.commands.setup.refresh_token import ensure_token
from sfr.errors import LogInError
from sfr.logs.log import open_logging

if TYPE_CHECKING:
    from sfr.commands.setup.answers import Answers
    from sfr.commands.setup.gathering import Given
    from sfr.commands.setup.questions import Questions
    from sfr.config.settings import LoadedConfig
    from sfr.salesforce.catalogue import CatalogueEntry

#: Methods whose log-in does not start to work by waiting.
_NOT_WAITED_FOR = ("sid", "sf_cli")


@dataclass(frozen=True, slots=True)
class Connected:
    """A set-up whose log-in works."""

    #: None for an existing configuration.
    answers: Answers | None
    loaded: LoadedConfig
    #: The org's reports.
    entries: list[CatalogueEntry]


def connect_set_up(
    answers: Answers | None, loaded: LoadedConfig, given: Given, arguments: argparse.Namespace, asks: Questions
) -> Connected:
    """Log in, as long and as often as the person wants. Raises LogInError, ReportError, UsageError."""
    can_wait = loaded.config.salesforce.auth_method not in _NOT_WAITED_FOR
    is_asked = asks.is_interactive and not arguments.yes and not arguments.wait
    renew_token = False
    while True:
        attempt = _Attempt(loaded, arguments, asks, renew_token=renew_token)
        try:
            if arguments.wait and can_wait:
                return Connected(answers, loaded, wait_until_accepted(attempt, asks.say))
            return Connected(answers, loaded, attempt())
        except LogInError as error:
            choice = _what_now(asks, error, can_change=answers is not None, can_wait=can_wait) if is_asked else "no"
            if choice == "no":
                raise
        if choice == "yes":
            return Connected(answers, loaded, wait_until_accepted(attempt, asks.say))
        assert answers is not None  # noqa: S101 - the choice is offered only then
        answers = gathering.ask_credentials(answers, given, asks, again=True)
        loaded = answers.loaded()
        renew_token = True


class _Attempt:
    """Logs in once, and lists the reports."""

    def __init__(
        self, loaded: LoadedConfig, arguments: argparse.Namespace, asks: Questions, *, renew_token: bool
    ) -> None:
        self._loaded = loaded
        self._arguments = arguments
        self._asks = asks
        self._renew_token = renew_token

    def __call__(self) -> list[CatalogueEntry]:
        from sfr.salesforce.catalogue import all_reports

        loaded = self._loaded
        with open_logging(loaded.config.logging, loaded.redactor):
            ensure_token(loaded, self._arguments, is_interactive=self._asks.is_interactive, renew=self._renew_token)
            self._renew_token = False
            with connect(loaded.config, loaded.redactor) as connection:
                self._asks.say(f"Logged in to {connection.session.instance_url}.")
                return all_reports(connection)


def _what_now(asks: Questions, error: LogInError, *, can_change: bool, can_wait: bool) -> str:
    """`yes`, `no` or `change`."""
    choices = {
        **({"yes": "try every 10 s for 15 minutes, while you finish it in Setup"} if can_wait else {}),
        **({"change": "enter the key, user or secret again"} if can_change else {}),
        "no": "stop here",
    }

    def checked(answer: str) -> str:
        found = next((choice for choice in choices if answer and choice.startswith(answer.lower())), None)
        if found is None:
            raise ValueError(" or ".join(choices))
        return found

    why = "; ".join(f"{choice}: {what}" for choice, what in choices.items())
    return asks.ask("Try again", f"The log-in does not work yet. {error}\n\n{why}.", next(iter(choices)), checked)
