"""`notify.ping`: requests `<url>/start` at the start and `<url>/<exit code>` at the end, as for healthchecks.io."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from sfr.notify.ending import Ending, HttpOptions, Target
from sfr.notify.web_request import post
from sfr.redaction import Secret

#: Such services keep the first 10 to 100 kB of a body; the end of the summary is the most useful.
MAX_BODY_BYTES = 10_000


def started(url: Target, options: HttpOptions) -> None:
    """Send the start of the run."""
    assert isinstance(url, Secret)  # noqa: S101 - the configuration's type
    post(with_step(url.reveal(), "start"), b"", "text/plain; charset=utf-8", options)


def ended(url: Target, ending: Ending, options: HttpOptions) -> None:
    """Send the exit code, with the end of the summary table as the body."""
    assert isinstance(url, Secret)  # noqa: S101 - the configuration's type
    body = ending.summary_text.encode("utf-8", "backslashreplace")[-MAX_BODY_BYTES:]
    body = body.decode("utf-8", "ignore").encode()  # the cut may have split a character
    post(with_step(url.reveal(), str(int(ending.run.exit_code))), body, "text/plain; charset=utf-8", options)


def with_step(url: str, step: str) -> str:
    """The URL with the step as the last part of its path, before any query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{step}"))
