"""`notify.email`: sends one message at the end of a run, with the summary as text and HTML, and report files."""

from __future__ import annotations

import logging

from sfr.config.email_settings import Email
from sfr.notify.ending import Ending, HttpOptions, Target
from sfr.notify.mail_message import attachments, is_wanted, message

log = logging.getLogger(__name__)

#: Without attachments.
EMAIL_TIMEOUT_S = 30.0
ATTACHED_BYTES_PER_S = 100_000


def extra_time_s(settings: Target, ending: Ending) -> float:
    """How much longer the files that will be attached may take."""
    assert isinstance(settings, Email)  # noqa: S101 - the configuration's type
    return attachments(settings, ending.run).size_bytes / ATTACHED_BYTES_PER_S


def ended(settings: Target, ending: Ending, options: HttpOptions) -> None:
    """Send the message, if `when` calls for one. Recipients that the server refuses are warnings."""
    assert isinstance(settings, Email)  # noqa: S101 - the configuration's type
    if not is_wanted(settings, ending.run):
        return
    from sfr.notify.smtp import send

    for warning in send(settings, message(settings, ending), options):
        log.warning("notify.email: %s.", warning)
