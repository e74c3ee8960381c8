"""Which host may be sent a session. Pure.

After log-in, requests go to the host that the log-in named, if it is `salesforce.domain`'s own, a host of Salesforce
itself, or, with `salesforce.domain` on loopback, on loopback. A log-in answer can so never send a session elsewhere.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sfr.errors import LogInError
from sfr.options.urls import is_loopback
from sfr.wording import said

#: Domains under which only Salesforce's own servers answer: production and sandboxes, US military, the older My Domain
#: suffix, and Salesforce on Alibaba Cloud (Salesforce Help, "My Domain URL Formats"). Not `force.com`, `site.com`, …,
#: where customers' code answers.
SALESFORCE_DOMAINS = ("salesforce.com", "salesforce.mil", "cloudforce.com", "sfcrmproducts.cn")

#: Everyone's log-in hosts: no org answers there for itself.
LOG_IN_HOSTS = ("login.salesforce.com", "test.salesforce.com", "login.salesforce.mil", "login.sfcrmproducts.cn")

DEFAULT_PORTS = {"https": 443, "http": 80}

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def origin(url: str) -> str:
    """Scheme, host and, if it is not the scheme's own, port of a URL: `https://acme.my.salesforce.com`.

    Raises ValueError for anything that is no plain http or https URL, such as one with a user name in it.
    """
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    if parts.scheme not in DEFAULT_PORTS or parts.username is not None or not _HOST.fullmatch(host) or "\\" in url:
        raise ValueError("not a plain http or https URL")
    return f"{parts.scheme}://{host}" + ("" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}")


def host_of(url: str) -> str:
    """The host name of a URL, lower case, without brackets; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_salesforce_host(host: str) -> bool:
    """Whether only Salesforce's own servers can answer under this host name."""
    return any(host.lower().endswith(f".{domain}") for domain in SALESFORCE_DOMAINS)


def is_salesforce_origin(url: str) -> bool:
    """Whether an origin is https on port 443 of a Salesforce host."""
    return url.startswith("https://") and is_salesforce_host(url.removeprefix("https://"))


def instance_url(named: str | None, domain: str) -> str:
    """The origin that requests go to: the one that the log-in named, if it may be trusted with the session.

    named: `instance_url` or `serverUrl` of the log-in's answer; None (a method that names none) means `domain`.
    Raises LogInError for a host that may not be.
    """
    own = origin(domain)
    if not named:
        return own
    try:
        wanted = origin(named)
    except ValueError:
        wanted = ""
    if wanted == own or is_salesforce_origin(wanted):
        return wanted
    if wanted and is_loopback(host_of(own)) and is_loopback(host_of(wanted)):
        return wanted
    where = f"'{said(wanted)}'" if wanted else "something that is no web address"
    raise LogInError(
        f"The log-in named {where} as the instance URL, which is neither `salesforce.domain` nor a host of "
        "Salesforce, so the session is not sent there. Check that `salesforce.domain` is the org's My Domain "
        "(https://….my.salesforce.com), and who answers under that name."
    )


def without_api_suffix(server_url: str) -> str:
    """`serverUrl` of a SOAP log-in without the `-api` that instance hosts carry there (`na12-api.salesforce.com`)."""
    return re.sub(r"^(https://[^/.:]+)-api(\.[^/]*)", r"\1\2", server_url)
