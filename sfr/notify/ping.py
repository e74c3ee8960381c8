"""`notify.ping`: `<url>/start` at the start, `<url>/<exit code>` at the end, as healthchecks.io takes it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from sfr.notify.ending import Ending, WayOut
from sfr.notify.web_request import post
from sfr.redaction import Secret

#: Such services keep the first 10 to 100 kB of a body; the end of the summary tells most.
LONGEST_BODY_BYTES = 10_000


def started(url: Secret | tuple[str, ...], way: WayOut) -> None:
    """Tell that the run has started."""
    assert isinstance(url, Secret)  # noqa: S101 - the configuration's type
    post(with_step(url.reveal(), "start"), b"", "text/plain; charset=utf-8", way)


def ended(url: Secret | tuple[str, ...], ending: Ending, way: WayOut) -> None:
    """Tell the exit code, with the end of the summary table as the body."""
    assert isinstance(url, Secret)  # noqa: S101 - the configuration's type
    body = ending.summary_text.encode("utf-8", "backslashreplace")[-LONGEST_BODY_BYTES:]
    body = body.decode("utf-8", "ignore").encode()  # the cut may have gone through a character
    post(with_step(url.reveal(), str(int(ending.run.exit_code))), body, "text/plain; charset=utf-8", way)


def with_step(url: str, step: str) -> str:
    """The URL with the step as the last part of its path; a query stays behind it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{step}"))
