"""Log-in method `sf_cli`: the session that the Salesforce CLI keeps. Asks the `sf` program; sends no request itself.

`sf org auth show-access-token` gives the token, `sf org display` the instance URL; before May 2026 the latter gave
both (salesforce-facts.md §2).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from sfr.auth.commands import run_command
from sfr.auth.grants import Grant, LogInContext, checked_token
from sfr.auth.oauth_refusals import OAUTH_REFUSALS
from sfr.auth.refusals import Retry, find_refusal
from sfr.config.fields import option
from sfr.errors import LogInError, ReportError
from sfr.wording import quoted, said

#: What the CLI prints where a token would be.
REDACTED = "[REDACTED]"

#: Keys of the CLI's answer, which braces in other text do not have.
_REPLY_KEYS = frozenset({"status", "result", "message", "exitCode"})
MOST_BRACES_TRIED = 200

#: Colours would break the JSON; news about updates do not belong into a run.
_ENVIRON = {"FORCE_COLOR": "0", "NO_COLOR": "1", "SF_AUTOUPDATE_DISABLE": "true", "SF_SKIP_NEW_VERSION_CHECK": "true"}


@dataclass(frozen=True, slots=True)
class SfCliSettings:
    """`salesforce.auth.sf_cli`: the CLI must be logged in as the user that runs SFR."""

    org: str = option("Alias or user name of the org in the Salesforce CLI.")


@dataclass(frozen=True, slots=True)
class _Reply:
    result: dict[str, object]
    complaint: str


def log_in(settings: SfCliSettings, context: LogInContext) -> Grant:
    """Ask the CLI for its session. Raises LogInError, and ReportError where Salesforce could not be reached."""
    shown_token = _ask(settings, context, "org", "auth", "show-access-token")
    display = _ask(settings, context, "org", "display")
    token = _token_in(shown_token, context) or _token_in(display, context)
    if token is None:
        complaint = shown_token.complaint or display.complaint or "it printed no access token"
        passing = find_refusal(OAUTH_REFUSALS, "sf_cli", "", complaint)
        if passing is not None and passing.retry is not Retry.NEVER:
            raise ReportError(passing.kind, f"The Salesforce CLI gave no session: {complaint.rstrip('.')}.")
        org = quoted(settings.org)
        raise LogInError(
            f"The Salesforce CLI gave no session for the org {org}: {complaint.rstrip('.')}. Run `sf org login web` or "
            "`sf org login jwt` for it as the user that runs SFR, and update the CLI."
        )
    named = display.result.get("instanceUrl")
    return Grant(
        checked_token(token, "The access token of the Salesforce CLI"), named if isinstance(named, str) else None
    )


def _ask(settings: SfCliSettings, context: LogInContext, *command: str) -> _Reply:
    argv = ["sf", *command, "--target-org", settings.org, "--json"]
    outcome = run_command(
        argv,
        key="salesforce.auth.sf_cli",
        is_stopped=lambda: context.transport.is_aborted,
        environ={**os.environ, **_ENVIRON},
    )
    answer = _json_in(outcome.stdout)
    if answer is None:
        return _Reply({}, f"`sf {' '.join(command)}` ended with exit code {outcome.exit_code} and printed no JSON")
    result = answer.get("result")
    if isinstance(result, dict):
        context.redactor.add(*(value for key, value in result.items() if _is_secret(key) and isinstance(value, str)))
    if outcome.exit_code == 0 and isinstance(result, dict):
        return _Reply(result, "")
    message = answer.get("message")
    words = context.redactor.redact(message) if isinstance(message, str) else f"exit code {outcome.exit_code}"
    return _Reply({}, said(words, 300))


def _json_in(text: str) -> dict[str, object] | None:
    """The CLI's JSON among what plugins and updates print before and after it; None if there is none."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(MOST_BRACES_TRIED):
        if start < 0:
            break
        try:
            answer, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and not _REPLY_KEYS.isdisjoint(answer):
            return answer
        start = text.find("{", start + 1)
    return None


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in ("token", "secret", "password", "authurl"))


def _token_in(reply: _Reply, context: LogInContext) -> str | None:
    token = reply.result.get("accessToken")
    if not isinstance(token, str) or not token or token.startswith(REDACTED):
        return None
    context.redactor.add(token)
    return token
