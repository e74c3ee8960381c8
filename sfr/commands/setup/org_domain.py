"""Checks the org's address for `sfr init`: its form, and whether Salesforce answers there. Sends no credential."""

from __future__ import annotations

from contextlib import closing

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.domains import EMULATOR, normalize_domain
from sfr.salesforce.hosts import LOG_IN_HOSTS, host_of
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import Request, TransportOptions, open_transport

TIMEOUT_S = 20.0
_TOO_SLOW_REMEDY = "Check the address, and this machine's firewall and proxy; then try again."
FIND_IT = "In Salesforce: Setup → My Domain shows it as `Current My Domain URL`"


def well_formed(text: str) -> str:
    """The address as requests need it; Lightning and Setup hosts are mapped to the org's own.

    Raises ValueError saying what is expected.
    """
    candidate = text.strip().rstrip("/")
    if "://" in candidate:  # people paste the address of the page that they are looking at
        scheme, _, rest = candidate.partition("://")
        candidate = f"{scheme}://{rest.partition('/')[0]}"
    elif "." in candidate:
        candidate = f"https://{candidate.partition('/')[0]}"
    domain, _ = normalize_domain(candidate)
    if host_of(domain) in LOG_IN_HOSTS:
        raise ValueError(
            f"the org's own address, such as https://acme.my.salesforce.com: {host_of(domain)} is the log-in host of "
            f"all orgs. {FIND_IT}"
        )
    return domain


def check_answers(domain: str, options: TransportOptions) -> None:
    """Ask the org for its API versions, which needs no log-in.

    Raises ReportError if it cannot be reached or is busy, ValueError if the answer is not that of an org.
    """
    if domain == EMULATOR:
        return
    with closing(open_transport(options)) as transport:
        request = Request("GET", f"{domain}/services/data/", {"Accept": "application/json"})
        try:
            response = transport.send(request, Deadline.after(TIMEOUT_S, f"the {TIMEOUT_S:g} s for this check"))
            versions = response.json() if response.status == 200 else None
        except ReportError as error:
            if error.kind not in (ErrorKind.NETWORK, ErrorKind.TIMEOUT, ErrorKind.INTERRUPTED) or error.http_status:
                raise ValueError(_not_an_org(domain)) from error
            if error.kind is ErrorKind.TIMEOUT:
                raise ReportError(error.kind, _too_slow(domain), remedy=_TOO_SLOW_REMEDY) from error
            raise ReportError(error.kind, error.message, remedy=_with_own_option(error.remedy)) from error
    if not isinstance(versions, list) or not any(isinstance(entry, dict) and "version" in entry for entry in versions):
        raise ValueError(_not_an_org(domain))


def is_sandbox(domain: str) -> bool:
    """Whether the address is that of a sandbox or scratch org, whose users log in at test.salesforce.com."""
    host = host_of(domain)
    return (
        any(part in host for part in (".sandbox.my.", ".scratch.my."))
        or host.startswith("test.")
        or "--" in host.partition(".")[0]
    )


def _with_own_option(remedy: str) -> str:
    """The same with the option of `sfr init`: there is no configuration yet."""
    return remedy.replace("`salesforce.ca_bundle`", "`--ca-bundle`")


def _too_slow(domain: str) -> str:
    return f"{host_of(domain)} did not answer within {TIMEOUT_S:g} s."


def _not_an_org(domain: str) -> str:
    return (
        f"the org's own address, such as https://acme.my.salesforce.com: {domain} did not answer as a Salesforce org "
        f"does. {FIND_IT}"
    )
