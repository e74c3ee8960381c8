"""Checks the servers that a run sends to: each destination, and the mail server."""

from __future__ import annotations

from collections.abc import Iterator

from sfr.commands.destination_checks import probe_all
from sfr.commands.health.base import Finding, SetUp, Status
from sfr.destinations.base import LeftBehindError
from sfr.notify.ending import HttpOptions, NotifyError

MAIL_TIMEOUT_S = 30.0


def check_destinations(set_up: SetUp) -> Iterator[Finding]:
    """Write something small to each destination and remove it; one that cannot be removed is a warning."""
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    if not set_up.config.destinations:
        yield Finding("destinations", Status.SKIP, "none configured")
    for name, error in probe_all(set_up.config):
        line = f"destination {name}"
        if error is None:
            yield Finding(line, Status.OK, "a probe was written and removed")
        elif isinstance(error, LeftBehindError):
            yield Finding(line, Status.WARN, error.message, "Remove it, and allow SFR's user to delete there.")
        else:
            remedy = f"Check `destinations.{name}`, its credentials and permissions, and the network."
            yield Finding(line, Status.FAIL, error.message, remedy)


def check_mail(set_up: SetUp) -> Finding:
    """Connect to the mail server and log in; send nothing."""
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    settings = set_up.config.notify.email
    if settings is None:
        return Finding("mail", Status.SKIP, "`notify.email` is not configured")
    from sfr.notify.smtp import check

    salesforce = set_up.config.salesforce
    try:
        check(settings, HttpOptions(MAIL_TIMEOUT_S, salesforce.proxy, salesforce.ca_bundle))
    except NotifyError as error:
        return Finding(
            "mail", Status.FAIL, str(error), "Check `notify.email`: host, port, security, user and password."
        )
    done = "answers; no user is configured" if settings.username is None else "accepts the log-in"
    return Finding("mail", Status.OK, f"{settings.host} {done}")
