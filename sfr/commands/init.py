"""`sfr init`: makes a working set-up by questions and answers; without a terminal from options alone.

    name, domain, method ─► key pair ─► steps in Setup ─► key, user, secret ─► log-in ─► reports ─► files ─► --check

Run again, it continues from the existing files; it overwrites none without `--force`, and never a key.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from sfr.arguments import port
from sfr.commands.setup import gathering
from sfr.commands.setup.answers import Answers, SetupFiles
from sfr.commands.setup.connecting import connect_set_up
from sfr.commands.setup.existing import load_existing
from sfr.commands.setup.finishing import finish
from sfr.commands.setup.gathering import Given
from sfr.commands.setup.key_pair import make_key_pair
from sfr.commands.setup.next_commands import resume_command
from sfr.commands.setup.org_domain import check_answers
from sfr.commands.setup.questions import Questions, questions
from sfr.commands.setup.salesforce_setup import NO_CALLBACK, Values, steps
from sfr.commands.setup.writing import check_places
from sfr.config.dotenv_file import read_env_file
from sfr.environment import current_environment
from sfr.errors import ErrorKind, ExitCode, LogInError, ReportError, UsageError
from sfr.salesforce.auth.web_log_in import DEFAULT_PORT, callback_url
from sfr.salesforce.domains import EMULATOR
from sfr.salesforce.http.transport import TransportOptions
from sfr.storage.trusted import make_directories

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig

_WEB_LOG_IN = "refresh_token"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command: every question is one."""
    parser.add_argument("--name", help="name of the set-up: conf/NAME.yaml; default prod")
    parser.add_argument("--domain", metavar="URL", help="the org's My Domain, https://acme.my.salesforce.com")
    parser.add_argument("--method", choices=list(gathering.NEEDS), help="how SFR logs in")
    parser.add_argument("--client-id", metavar="KEY", help="the app's consumer key")
    parser.add_argument("--username", metavar="USER", help="the user to log in as; for sf_cli its alias or user name")
    parser.add_argument(
        "--folders", nargs="+", metavar="PATTERN", help="take the reports of folders matching these shell patterns"
    )
    parser.add_argument("--wait", action="store_true", help="try the log-in every 10 s, for 15 minutes at most")
    parser.add_argument("--force", action="store_true", help="overwrite existing files; never a key")
    parser.add_argument("--yes", action="store_true", help="answer every yes or no with yes")
    parser.add_argument("--ca-bundle", metavar="FILE", help="PEM file of authorities to trust, or `system`")
    parser.add_argument(
        "--port",
        type=port,
        default=DEFAULT_PORT,
        metavar="N",
        help="refresh_token: as in sfr login; default %(default)s",
    )
    parser.add_argument("--no-browser", action="store_true", help="refresh_token: as in sfr login")


def main(arguments: argparse.Namespace) -> int:
    """Ask for what is missing and make the set-up; returns the exit code. Raises UsageError, LogInError."""
    asks = questions(answers_yes=arguments.yes)
    options = Given.of(arguments, {})
    try:
        name = _name(options, arguments, asks)
        files = SetupFiles(name)
        if os.path.lexists(files.config) and not arguments.force:
            asks.say(f"{files.config} exists: continuing with it.")
            return _continue(load_existing(files, options), files, arguments, asks)
        return _set_up(name, Given.of(arguments, _variables(files)), arguments, asks)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise UsageError(f"A file of the set-up cannot be used: {error.strerror or error}{where}.") from error


def _variables(files: SetupFiles) -> dict[str, str]:
    """The environment's variables, and those of an earlier attempt's `.env.NAME`."""
    return {**read_env_file(files.env, may_be_missing=True).values, **current_environment()}


def _name(options: Given, arguments: argparse.Namespace, asks: Questions) -> str:
    """The name; without a terminal, everything missing is reported at once."""
    if not asks.is_interactive:
        name = gathering.ask_name(options, asks)
        files = SetupFiles(name)
        if not os.path.lexists(files.config) or arguments.force:
            variables = _variables(files)
            given = Given.of(arguments, variables)
            needs_token = given.method == _WEB_LOG_IN and not variables.get("SFDC_REFRESH_TOKEN")
            needs_token = needs_token and not os.path.lexists(files.token)
            gathering.refuse_missing(given, ("the variable SFDC_REFRESH_TOKEN",) if needs_token else ())
        return name
    asks.say(
        "This sets up SFR for your org, one question at a time. Enter accepts the answer in brackets; Ctrl-C stops."
    )
    return gathering.ask_name(options, asks)


def _set_up(name: str, given: Given, arguments: argparse.Namespace, asks: Questions) -> int:
    """Make a new set-up, from the answers on."""
    check_places(SetupFiles(name))
    ca_bundle = _ca_bundle(arguments.ca_bundle)
    environ = current_environment()
    proxy = "env" if environ.get("HTTPS_PROXY") or environ.get("https_proxy") else None
    options = TransportOptions(threads=1, ca_bundle=ca_bundle, proxy=proxy)
    try:
        domain = gathering.ask_domain(given, asks, partial(check_answers, options=options))
    except ReportError as error:
        asks.say(f"The org cannot be reached. {error}")
        return ExitCode.NONE_SAVED
    method = gathering.ask_method(given, asks)
    answers = Answers(name, domain, method, proxy=proxy, ca_bundle=ca_bundle)
    _prepare(answers, arguments, asks)
    answers = gathering.ask_credentials(answers, given, asks)
    asks.say()
    return _connect_and_finish(answers, answers.loaded(), answers.files, arguments, asks)


def _ca_bundle(given: str | None) -> str | None:
    if given is None or given == "system":
        return given
    if not os.path.isfile(given):
        raise UsageError(f"--ca-bundle: there is no file {given}; expected a PEM file, or `system`.")
    return os.path.abspath(given)


def _prepare(answers: Answers, arguments: argparse.Namespace, asks: Questions) -> None:
    """Make the key pair, and print the steps in Setup."""
    files = answers.files
    if answers.method == "jwt" and answers.domain != EMULATOR:
        make_directories("conf")
        made = make_key_pair(files.key, files.certificate, files.name)
        for path in (files.key, files.certificate):
            asks.say(f"{path}: {'made' if path in made else 'exists, and is used'}")
    is_web = answers.method == _WEB_LOG_IN
    values = Values(
        answers.domain,
        files.certificate,
        callback_url(arguments.port) if is_web else NO_CALLBACK,
        files.token,
    )
    text = steps(answers.method, values)
    asks.say(f"\nIn Salesforce, once (anyone with access to Setup can do it for you):\n\n{text}")


def _continue(loaded: LoadedConfig, files: SetupFiles, arguments: argparse.Namespace, asks: Questions) -> int:
    """Continue with an existing configuration."""
    key = getattr(loaded.config.salesforce.auth, "private_key_file", None)
    if key is not None and os.path.abspath(files.key) == key:
        make_key_pair(files.key, files.certificate, files.name)
    return _connect_and_finish(None, loaded, files, arguments, asks)


def _connect_and_finish(
    answers: Answers | None, loaded: LoadedConfig, files: SetupFiles, arguments: argparse.Namespace, asks: Questions
) -> int:
    """Log in and finish. answers: None for an existing configuration."""
    given = Given.of(arguments, {} if answers is None else _variables(files))
    try:
        connected = connect_set_up(answers, loaded, given, arguments, asks)
    except (LogInError, ReportError) as error:
        asks.say(f"\n{'The log-in does not work yet. ' if isinstance(error, LogInError) else ''}{error}")
        asks.say(f"\nTo continue from here:\n  {resume_command(arguments, answers, files.name)}")
        is_refused = isinstance(error, LogInError) or error.kind is ErrorKind.AUTH
        return ExitCode.LOG_IN if is_refused else ExitCode.NONE_SAVED
    return finish(connected, files, arguments, asks)
