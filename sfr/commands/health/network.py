"""Checks the connection to the org: its name, its certificate, its response, and this machine's clock."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from sfr.commands.health.base import Finding, SetUp, Status
from sfr.errors import ReportError
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.tls import explain_verification, make_ssl_context
from sfr.salesforce.http.transport import Request
from sfr.salesforce.statuses import status_error

TIMEOUT_S = 20.0
#: Salesforce accepts assertions for some minutes only.
MAX_CLOCK_OFFSET_S = 120.0
#: Salesforce renews its certificates well before: one about to expire belongs to a proxy, or was forgotten.
CERTIFICATE_WARN_DAYS = 14
_VIA_PROXY = "a proxy is configured, which connects instead"


def check_dns(set_up: SetUp) -> Finding:
    """Look up the org's name."""
    host, port, _ = _place(set_up)
    if _has_proxy(set_up):
        set_up.address = ""
        return Finding("dns", Status.SKIP, _VIA_PROXY)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        remedy = "Check `salesforce.domain`, and this machine's DNS and firewall."
        return Finding("dns", Status.FAIL, f"{host} has no address here: {_reason(error)}", remedy)
    set_up.address = str(found[0][4][0])
    return Finding("dns", Status.OK, f"{host} is {set_up.address}")


def check_tls(set_up: SetUp) -> Finding:
    """Whether the org's certificate is trusted, and for how long."""
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    host, port, is_tls = _place(set_up)
    if not is_tls or _has_proxy(set_up):
        return Finding("tls", Status.SKIP, _VIA_PROXY if is_tls else "the org is on this machine, without TLS")
    context = make_ssl_context(set_up.config.salesforce.ca_bundle)
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            certificate = encrypted.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        what, remedy = explain_verification(error, host)
        return Finding("tls", Status.FAIL, what, remedy)
    except (OSError, UnicodeError) as error:
        remedy = "Check firewall, proxy and `salesforce.domain` from this machine."
        return Finding("tls", Status.FAIL, f"no connection to {host}:{port}: {_reason(error)}", remedy)
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400
    if days < CERTIFICATE_WARN_DAYS:
        remedy = "Find out who runs that server, and whether a proxy answers instead of the org."
        return Finding("tls", Status.WARN, f"the certificate of {host} lasts {days:.0f} more days only", remedy)
    return Finding("tls", Status.OK, f"trusted; the certificate of {host} lasts {days:.0f} more days")


def check_org(set_up: SetUp) -> Finding:
    """Whether Salesforce answers at `salesforce.domain`; needs no log-in."""
    assert set_up.config is not None and set_up.transport is not None  # noqa: S101, PT018 - see `CHECKS`
    domain = set_up.config.salesforce.domain
    request = Request("GET", f"{domain}/services/data/", {"Accept": "application/json"})
    try:
        answer = set_up.transport.send(request, Deadline.after(TIMEOUT_S, f"the {TIMEOUT_S:g} s for this check"))
        if answer.status != 200:
            raise status_error(answer.status, answer.headers, answer.text)
    except ReportError as error:
        return Finding("org", Status.FAIL, error.message, error.remedy)
    set_up.org_date = answer.headers.get("Date", "")
    return Finding("org", Status.OK, f"{domain} answers")


def check_clock(set_up: SetUp) -> Finding:
    """Compare the clock of this machine with the org's `Date`."""
    try:
        theirs = parsedate_to_datetime(set_up.org_date or "")
    except ValueError:
        return Finding("clock", Status.SKIP, "the org's answer has no date")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    offset_s = (datetime.now(UTC) - theirs).total_seconds()
    if abs(offset_s) > MAX_CLOCK_OFFSET_S:
        way = "ahead of" if offset_s > 0 else "behind"
        message = f"this machine's clock is {abs(offset_s):,.0f} s {way} the org's"
        return Finding("clock", Status.FAIL, message, "Correct it: `timedatectl` shows whether it is synchronised.")
    return Finding("clock", Status.OK, f"{abs(offset_s):.0f} s from the org's")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _place(set_up: SetUp) -> tuple[str, int, bool]:
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    parts = urlsplit(set_up.config.salesforce.domain)
    is_tls = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if is_tls else 80), is_tls


def _has_proxy(set_up: SetUp) -> bool:
    return bool(set_up.config and set_up.config.salesforce.proxy)
