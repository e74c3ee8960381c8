"""Collects the answers of `sfr init`: from options, `SFDC_*` variables, and questions on a terminal.

A table says what each log-in method needs; a new method that `sfr init` offers is one line in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sfr.commands.setup.answers import Answers, checked_name
from sfr.commands.setup.org_domain import FIND_IT, well_formed
from sfr.commands.setup.questions import Questions
from sfr.errors import UsageError
from sfr.redaction import Secret
from sfr.salesforce.auth.token_shapes import checked_pasted_token

if TYPE_CHECKING:
    import argparse

DEFAULT_NAME = "prod"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a log-in method needs, beside the domain."""

    #: What it is, in the list of methods.
    what: str
    has_client_id: bool = False
    #: The question for `--username`, and why; empty if it is not needed.
    username: str = ""
    username_why: str = ""
    #: The variable of its secret, the question and why; empty if there is none.
    variable: str = ""
    hidden_question: str = ""
    hidden_why: str = ""
    #: Whether it also works without that secret.
    is_secret_optional: bool = False


_CLIENT_SECRET, _SID = "SFDC_CLIENT_SECRET", "SFDC_SID"

NEEDS: dict[str, Needs] = {
    "jwt": Needs(
        "an app with a certificate; no person has to log in: the first choice for servers",
        has_client_id=True,
        username="User name",
        username_why="The integration user that SFR logs in as, such as reports@acme.com. A sandbox appends its name.",
    ),
    "client_credentials": Needs(
        "an app with a secret and a Run As user; where a secret is easier to keep than a key",
        has_client_id=True,
        variable=_CLIENT_SECRET,
        hidden_question="Consumer secret",
        hidden_why="Beside the consumer key in Setup: the app's password.",
    ),
    "refresh_token": Needs(
        "an app, and one log-in by you in a browser",
        has_client_id=True,
        variable=_CLIENT_SECRET,
        hidden_question="Consumer secret",
        hidden_why="Beside the consumer key in Setup.",
        is_secret_optional=True,
    ),
    "sid": Needs(
        "a session id from your browser; works for some hours: a quick try",
        variable=_SID,
        hidden_question="Session id",
        hidden_why="The value of the cookie `sid`, such as 00D…!AQ….",
    ),
    "sf_cli": Needs(
        "the Salesforce CLI, logged in on this machine",
        username="Alias or user name in the Salesforce CLI",
        username_why="`sf org list` shows them.",
    ),
}
"""The methods that `sfr init` offers, the recommended one first."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is known without asking: options, then `SFDC_*` variables."""

    name: str | None = None
    domain: str | None = None
    method: str | None = None
    client_id: str | None = None
    username: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, arguments: argparse.Namespace, variables: Mapping[str, str]) -> Given:
        """variables: the environment's, else those of `.env.NAME`."""
        return cls(
            arguments.name,
            arguments.domain or variables.get("SFDC_DOMAIN") or None,
            arguments.method,
            arguments.client_id or variables.get("SFDC_CLIENT_ID") or None,
            arguments.username or variables.get("SFDC_USERNAME") or None,
            {name: variables[name] for name in (_CLIENT_SECRET, _SID) if variables.get(name)},
        )

    def missing(self) -> list[str]:
        """What has to be given without a terminal; for `jwt` if the method itself is missing."""
        needs = NEEDS[self.method or next(iter(NEEDS))]
        wanted = {"--domain": self.domain, "--method": self.method}
        if needs.has_client_id:
            wanted["--client-id"] = self.client_id
        if needs.username:
            wanted["--username"] = self.username
        if needs.variable and not needs.is_secret_optional:
            wanted[f"the variable {needs.variable}"] = self.secrets.get(needs.variable)
        return [name for name, value in wanted.items() if not value]


def refuse_missing(given: Given, more: tuple[str, ...] = ()) -> None:
    """Raise UsageError naming all that is missing, for a program without a terminal."""
    missing = [*given.missing(), *more]
    if missing:
        without = "" if given.method else f" (for --method {next(iter(NEEDS))})"
        raise UsageError(
            f"There is no terminal to ask on, and this is missing{without}: {', '.join(missing)}. Methods: "
            f"{', '.join(NEEDS)}."
        )


def ask_name(given: Given, asks: Questions) -> str:
    """The name of the set-up. Raises UsageError."""
    why = "A name for this set-up: its files are called conf/NAME.yaml, input/NAME.csv and so on."
    return _value(given.name, "--name", asks, checked_name, lambda: asks.ask("Name", why, DEFAULT_NAME, checked_name))


def ask_domain(given: Given, asks: Questions, check: Callable[[str], None]) -> str:
    """The org's address, checked by asking the org. Raises UsageError, ReportError."""

    def checked(text: str) -> str:
        domain = well_formed(text)
        check(domain)
        return domain

    why = f"Your org's address. {FIND_IT}, such as https://acme.my.salesforce.com."
    return _value(given.domain, "--domain", asks, checked, lambda: asks.ask("Domain", why, "", checked))


def ask_method(given: Given, asks: Questions) -> str:
    """The log-in method."""
    if given.method:
        return given.method
    why = "How SFR logs in. Take the first that you can get."
    choices = [(name, needs.what) for name, needs in NEEDS.items()]
    return asks.choose("Method", why, choices, choices[0][0])


def ask_credentials(answers: Answers, given: Given, asks: Questions, *, again: bool = False) -> Answers:
    """The answers, with what the log-in method needs. again: ask, although they are known.

    Raises UsageError for a value that cannot be right.
    """
    needs = NEEDS[answers.method]
    if needs.has_client_id:
        client_id = answers.client_id or given.client_id
        if again or not client_id:
            why = "From the app's page in Setup: the consumer key, a long word that begins with 3MVG."
            client_id = asks.ask("Consumer key", why, client_id or "", _one_word)
        answers = replace(answers, client_id=client_id)
    if needs.username:
        username = answers.username or given.username
        if again or not username:
            username = asks.ask(needs.username, needs.username_why, username or "", _one_word)
        answers = replace(answers, username=username)
    if needs.variable:
        answers = replace(answers, secrets=_secrets(needs, answers, given, asks, again=again))
    return answers


def _secrets(needs: Needs, answers: Answers, given: Given, asks: Questions, *, again: bool) -> Mapping[str, Secret]:
    known = answers.secrets.get(needs.variable)
    if known is None and needs.variable in given.secrets:
        try:
            known = Secret(_checked_secret(needs.variable, given.secrets[needs.variable]))
        except ValueError as error:
            raise UsageError(f"{needs.variable}: expected {error}.") from error
    if known is not None and not (again and asks.is_interactive):
        return {needs.variable: known}
    if not asks.is_interactive:
        return {}
    if needs.is_secret_optional and not asks.confirm("Does the app require its secret?", default=False):
        return {}
    text = asks.ask_secret(
        needs.hidden_question, needs.hidden_why, lambda typed: _checked_secret(needs.variable, typed)
    )
    return {needs.variable: Secret(text)}


def _checked_secret(variable: str, text: str) -> str:
    if variable == _SID:
        return checked_pasted_token(text, "The session id").reveal()
    return _one_word(text)


def _one_word(text: str) -> str:
    if not text.isprintable() or " " in text:
        raise ValueError("one word, without blanks and line ends")
    return text


def _value(given: str | None, option: str, asks: Questions, check: Callable[[str], str], ask: Callable[[], str]) -> str:
    """What was given, checked, or the answer to a question."""
    if given is None and option == "--name" and not asks.is_interactive:
        return DEFAULT_NAME
    if given is None:
        return ask()
    try:
        return check(given)
    except ValueError as error:
        raise UsageError(f"{option}: expected {error}.") from error
