"""Log-in method `sf_cli`: the session that the Salesforce CLI keeps. Asks the `sf` program; sends no request itself.

`sf org auth show-access-token` gives the token, `sf org display` the instance URL; before May 2026 the latter gave
both (salesforce-facts.md §2).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from sfr.config.fields import option
from sfr.errors import LogInError
from sfr.salesforce.auth.commands import run_command
from sfr.salesforce.auth.grants import Grant, LogInContext, checked_token
from sfr.wording import quoted, said

#: What the CLI prints where a token would be.
REDACTED = "[REDACTED]"

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
    """Ask the CLI for its session. Raises LogInError."""
    shown_token = _ask(settings, context, "org", "auth", "show-access-token")
    display = _ask(settings, context, "org", "display")
    token = _token_in(shown_token, context) or _token_in(display, context)
    if token is None:
        complaint = shown_token.complaint or display.complaint or "it printed no access token"
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
    outcome = run_command(argv, is_stopped=lambda: context.transport.is_aborted, environ={**os.environ, **_ENVIRON})
    # Warnings may stand before the JSON.
    _, brace, text = outcome.stdout.partition("{")
    try:
        answer = json.loads(brace + text)
    except (ValueError, RecursionError):
        return _Reply({}, f"`sf {' '.join(command)}` ended with exit code {outcome.exit_code} and printed no JSON")
    result = answer.get("result")
    if isinstance(result, dict):
        context.redactor.add(*(value for key, value in result.items() if _is_secret(key) and isinstance(value, str)))
    if outcome.exit_code == 0 and isinstance(result, dict):
        return _Reply(result, "")
    message = answer.get("message")
    words = context.redactor.redact(message) if isinstance(message, str) else f"exit code {outcome.exit_code}"
    return _Reply({}, said(words, 300))


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in ("token", "secret", "password", "authurl"))


def _token_in(reply: _Reply, context: LogInContext) -> str | None:
    token = reply.result.get("accessToken")
    if not isinstance(token, str) or not token or token.startswith(REDACTED):
        return None
    context.redactor.add(token)
    return token
