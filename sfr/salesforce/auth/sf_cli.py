"""Log-in method `sf_cli`: uses the session of the Salesforce CLI. Runs the `sf` program; sends no request itself.

`sf org auth show-access-token` prints the token, `sf org display` the instance URL; before May 2026 the latter
printed both (salesforce-facts.md §2).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from pydantic import Field

from sfr.errors import LogInError, ReportError
from sfr.options.section import Section
from sfr.options.types import Text
from sfr.salesforce.auth.commands import run_command
from sfr.salesforce.auth.grants import Grant, LogInContext, checked_token
from sfr.salesforce.auth.oauth_refusals import OAUTH_REFUSALS
from sfr.salesforce.auth.refusals import Retry, find_refusal
from sfr.wording import quoted, shortened

#: What the CLI prints where a token would be.
REDACTED = "[REDACTED]"

#: Keys of the CLI's JSON output, which other text with braces does not contain.
_REPLY_KEYS = frozenset({"status", "result", "message", "exitCode"})
MAX_BRACES_TRIED = 200

#: Colours would break the JSON; update notices do not belong in a run.
_ENVIRON = {"FORCE_COLOR": "0", "NO_COLOR": "1", "SF_AUTOUPDATE_DISABLE": "true", "SF_SKIP_NEW_VERSION_CHECK": "true"}


class SfCliSettings(Section):
    """`salesforce.auth.sf_cli`: the CLI must be logged in as the user that runs SFR."""

    org: Text = Field(description="Alias or username of the org in the Salesforce CLI.")


@dataclass(frozen=True, slots=True)
class _Reply:
    result: dict[str, object]
    complaint: str


def log_in(settings: SfCliSettings, context: LogInContext) -> Grant:
    """Get the session from the CLI. Raises LogInError, and ReportError if Salesforce could not be reached."""
    shown_token = _run_sf(settings, context, "org", "auth", "show-access-token")
    display = _run_sf(settings, context, "org", "display")
    token = _token_in(shown_token) or _token_in(display)
    if token is None:
        complaint = shown_token.complaint or display.complaint or "it printed no access token"
        refusal = find_refusal(OAUTH_REFUSALS, "sf_cli", "", complaint)
        if refusal is not None and refusal.retry is not Retry.NEVER:
            raise ReportError(refusal.kind, f"The Salesforce CLI returned no session: {complaint.rstrip('.')}.")
        org = quoted(settings.org)
        raise LogInError(
            f"The Salesforce CLI returned no session for the org {org}: {complaint.rstrip('.')}. Run "
            "`sf org login web` or `sf org login jwt` for it as the user that runs SFR, and update the CLI."
        )
    named = display.result.get("instanceUrl")
    return Grant(
        checked_token(token, "The access token of the Salesforce CLI"), named if isinstance(named, str) else None
    )


def _run_sf(settings: SfCliSettings, context: LogInContext, *command: str) -> _Reply:
    argv = ["sf", *command, "--target-org", settings.org, "--json"]
    outcome = run_command(
        argv,
        key="salesforce.auth.sf_cli",
        is_stopped=lambda: context.transport.is_aborted,
        environ={**os.environ, **_ENVIRON},
    )
    answer = _json_in(outcome.output)
    if answer is None:
        return _Reply({}, f"`sf {' '.join(command)}` ended with exit code {outcome.exit_code} and printed no JSON")
    result = answer.get("result")
    if isinstance(result, dict):
        context.redactor.add(*(value for key, value in result.items() if _is_secret(key) and isinstance(value, str)))
    if outcome.exit_code == 0 and isinstance(result, dict):
        return _Reply(result, "")
    message = answer.get("message")
    words = context.redactor.redact(message) if isinstance(message, str) else f"exit code {outcome.exit_code}"
    return _Reply({}, shortened(words, 300))


def _json_in(text: str) -> dict[str, object] | None:
    """The CLI's JSON among what plugins and updates print before and after it; None if there is none."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(MAX_BRACES_TRIED):
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


def _token_in(reply: _Reply) -> str | None:
    token = reply.result.get("accessToken")
    if not isinstance(token, str) or not token or token.startswith(REDACTED):
        return None
    return token
