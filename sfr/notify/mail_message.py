"""Makes the message about a run: subject, text, HTML, attached report files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sfr.config.email_settings import Email, split_address
from sfr.errors import ExitCode
from sfr.escaping.invisible import escape_invisible
from sfr.model import Status
from sfr.results import RunStats
from sfr.storage.trusted import open_report
from sfr.terminal.figures import counted, size

if TYPE_CHECKING:
    from email.message import EmailMessage

    from sfr.notify.ending import Ending

#: Of the summary's text the end is kept, which has the failures and the totals.
MAX_TEXT_CHARS = 100_000
_TYPES = {
    ".csv": ("text", "csv"),
    ".gz": ("application", "gzip"),
    ".jsonl": ("application", "jsonl"),
    ".parquet": ("application", "vnd.apache.parquet"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".zst": ("application", "zstd"),
}
_STOPPED = {
    ExitCode.LOG_IN: "log-in refused or session lost",
    ExitCode.SIGINT: "stopped by SIGINT",
    ExitCode.SIGTERM: "stopped by SIGTERM",
}


@dataclass(frozen=True, slots=True)
class Attachments:
    """Which report files are attached; decided by their sizes, before any is read."""

    paths: tuple[str, ...]
    size_bytes: int
    #: Names, sizes and reasons of those that match a pattern, but are not attached.
    left_out: tuple[str, ...]


def is_wanted(settings: Email, run: RunStats) -> bool:
    """Whether `when` calls for a message about this run."""
    if settings.when == "failure":
        return bool(run.failed) or run.exit_code != ExitCode.SUCCESS
    return settings.when == "always" or bool(run.saved or run.failed)


def subject(run: RunStats, config_name: str, noun: str = "report") -> str:
    """How the run went, in one line. noun: what its reports are; a fleet's are orgs."""
    total = counted(len(run.reports), noun)
    outcome = f"{run.failed:,} of {total} failed" if run.failed else f"{total} in place"
    if (stopped := _STOPPED.get(ExitCode(run.exit_code))) is not None:
        outcome = f"{stopped}, {outcome}"
    elif run.exit_code and not run.failed:
        outcome = f"{outcome}, but a summary could not be written"
    return escape_invisible(f"SFR {config_name}: {outcome}" if config_name else f"SFR: {outcome}")


def attachments(settings: Email, run: RunStats) -> Attachments:
    """The files of saved and unchanged reports that match `attach`, in list order, as far as they fit. Does no I/O."""
    paths, left_out, total_bytes = [], [], 0
    for stats in run.reports:
        name = os.path.basename(stats.path)
        is_in_place = stats.status in (Status.SAVED, Status.UNCHANGED)
        if not is_in_place or not any(fnmatchcase(name, pattern) for pattern in settings.attach):
            continue
        size_bytes = stats.size_bytes or 0
        if total_bytes + size_bytes > settings.attach_max_bytes:
            left_out.append(f"{name} ({size(size_bytes)})")
            continue
        paths.append(stats.path)
        total_bytes += size_bytes
    return Attachments(tuple(paths), total_bytes, tuple(left_out))


def message(settings: Email, ending: Ending) -> EmailMessage:
    """The whole message. Files that cannot be read are named in it, like those that do not fit."""
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.utils import format_datetime, make_msgid

    from sfr.summaries.html.mail import render_mail

    made = EmailMessage()
    sender = [Address(name, addr_spec=address) for name, address in [split_address(settings.sender)]]
    made["Subject"] = title = subject(ending.run, ending.config_name, ending.noun)
    made["From"] = sender
    made["To"] = [Address(name, addr_spec=address) for name, address in map(split_address, settings.to)]
    made["Date"] = format_datetime(ending.run.finished_at)
    made["Message-ID"] = make_msgid(domain=sender[0].domain)
    made["Auto-Submitted"] = "auto-generated"
    contents, left_out = _read(attachments(settings, ending.run), settings.attach_max_bytes)
    notes = (*_left_out_notes(settings, left_out), *_unmatched_notes(settings, ending.run))
    made.set_content(_text(title, ending.summary_text, notes), charset="utf-8")
    made.add_alternative(render_mail(ending.run, title, notes), subtype="html", charset="utf-8")
    for path, content in contents.items():
        main, sub = _TYPES.get(os.path.splitext(path)[1], ("application", "octet-stream"))
        made.add_attachment(content, maintype=main, subtype=sub, filename=escape_invisible(os.path.basename(path)))
    return made


def _read(planned: Attachments, max_bytes: int) -> tuple[dict[str, bytes], list[str]]:
    """The files' contents by path, and all that is not attached: a file may have been replaced or removed meanwhile."""
    contents: dict[str, bytes] = {}
    left_out = list(planned.left_out)
    for path in planned.paths:
        room_bytes = max_bytes - sum(map(len, contents.values()))
        try:
            with open(open_report(path), "rb") as file:
                content = file.read(room_bytes + 1)
        except OSError as error:
            left_out.append(f"{os.path.basename(path)} ({error.strerror})")
            continue
        if len(content) > room_bytes:
            left_out.append(f"{os.path.basename(path)} (it has grown)")
        else:
            contents[path] = content
    return contents, left_out


def _left_out_notes(settings: Email, left_out: Sequence[str]) -> tuple[str, ...]:
    """A sentence about the files that are not attached, if there are any."""
    if not left_out:
        return ()
    limit = f"the limit of {size(settings.attach_max_bytes)} (`notify.email.attach_max_bytes`)"
    return (f"Not attached, over {limit} or not readable: {', '.join(left_out)}.",)


def _unmatched_notes(settings: Email, run: RunStats) -> tuple[str, ...]:
    """A sentence about the patterns that no report's file matches, saved or not: mistyped ones."""
    names = [os.path.basename(stats.path) for stats in run.reports]
    unmatched = [pattern for pattern in settings.attach if not any(fnmatchcase(name, pattern) for name in names)]
    if not unmatched:
        return ()
    return (f"No report of this run has a file name like {', '.join(unmatched)} (`notify.email.attach`).",)


def _text(title: str, summary_text: str, notes: Sequence[str]) -> str:
    if len(summary_text) > MAX_TEXT_CHARS:
        summary_text = "[…]\n" + summary_text[-MAX_TEXT_CHARS:].partition("\n")[2]
    return "\n\n".join([title, summary_text.strip("\n"), *notes]) + "\n"
