"""`notify.webhook`: a JSON object by POST at the end of a run; its `text` is what Slack, Mattermost and Teams show."""

from __future__ import annotations

import json

from sfr.escaping.chat import chat_text
from sfr.model import RunStats
from sfr.notify.ending import Ending, WayOut
from sfr.notify.web_request import post
from sfr.redaction import Secret
from sfr.summaries.json_summary import run_facts
from sfr.summaries.reasons import failures
from sfr.summaries.table import headline

#: Failed reports told one by one; chats cut longer texts.
MOST_FAILURES = 20


def ended(url: Secret | tuple[str, ...], ending: Ending, way: WayOut) -> None:
    """Tell how the run ended, and which reports failed."""
    assert isinstance(url, Secret)  # noqa: S101 - the configuration's type
    post(url.reveal(), body(ending.run), "application/json", way)


def body(run: RunStats) -> bytes:
    """`{"text": …, "run": {…}, "failed": [{"file_name", "error", "message"}]}`; `run` is the JSON summary's.

    `text` is for people in a chat, and escaped for it; everything else is exact.
    """
    failed = failures(run)
    lines = [f"SFR, {chat_text(run.domain)}: {headline(run)}"]
    lines += [
        f"• {chat_text(stats.report.name)}: {stats.error}, {chat_text(stats.message)}"
        for stats in failed[:MOST_FAILURES]
    ]
    if len(failed) > MOST_FAILURES:
        lines.append(f"and {len(failed) - MOST_FAILURES:,} more")
    document = {
        "text": "\n".join(lines),
        "run": run_facts(run),
        "failed": [
            {"file_name": stats.report.name, "error": stats.error, "message": stats.message} for stats in failed
        ],
    }
    return json.dumps(document).encode("ascii")
