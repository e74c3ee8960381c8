"""`notify.webhook`: posts a JSON object at the end of a run; Slack, Mattermost and Teams show its `text`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sfr.escaping.chat import chat_text
from sfr.notify.ending import Ending, HttpOptions, Target
from sfr.notify.web_request import post
from sfr.redaction import Secret
from sfr.results import RunStats
from sfr.summaries.headline import headline
from sfr.summaries.json_summary import run_facts
from sfr.summaries.reasons import failures

#: Maximum number of failures in the text; chats cut longer texts.
MAX_FAILURES = 20


def ended(url: Target, ending: Ending, options: HttpOptions) -> None:
    """Send the result of the run and the failed reports."""
    assert isinstance(url, Secret)  # noqa: S101 - the configuration's type
    post(url.reveal(), ending.document or body(ending.run), "application/json", options)


def body(run: RunStats) -> bytes:
    """`{"text": …, "run": {…}, "failed": [{"file_name", "error", "message"}]}`; `run` is the JSON summary's.

    `text` is escaped for a chat; everything else is exact.
    """
    failed = failures(run)
    document = {
        "text": chat_lines(
            f"SFR, {chat_text(run.domain)}: {headline(run)}",
            [f"{chat_text(stats.name)}: {stats.error}, {chat_text(stats.message)}" for stats in failed],
        ),
        "run": run_facts(run),
        "failed": [{"file_name": stats.name, "error": stats.error, "message": stats.message} for stats in failed],
    }
    return json.dumps(document).encode("ascii")


def chat_lines(title: str, failed: Sequence[str]) -> str:
    """The title, and below it the first failures and the number of the others."""
    lines = [title, *(f"• {failure}" for failure in failed[:MAX_FAILURES])]
    if len(failed) > MAX_FAILURES:
        lines.append(f"and {len(failed) - MAX_FAILURES:,} more")
    return "\n".join(lines)
